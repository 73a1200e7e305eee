/** What an error page of a provider is about. */
export type PageTopic = 'redirect-uri' | 'client' | 'scope'

const MAX_LENGTH = 4000

/** The visible text of a page. */
export function textOf(body: string): string {
  return withoutElements(body, ['script', 'style', 'svg'])
    .slice(0, 64 * 1024)
    .split('<')
    .map((part, index) => (index === 0 ? part : part.slice(part.indexOf('>') + 1)))
    .join(' ')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
    .split(/\s/)
    .filter((word) => word !== '')
    .join(' ')
    .slice(0, MAX_LENGTH)
}

function withoutElements(body: string, names: readonly string[]): string {
  return names.reduce((text, name) => {
    const [first = '', ...others] = text.split(`<${name}`)
    const kept = others.map((part) => {
      // Another element, such as <header>.
      if (!/^[\s>]/.test(part)) return `<${name}${part}`
      const end = part.indexOf(`</${name}`)
      return end === -1 ? '' : part.slice(end + name.length + 3)
    })
    return [first, ...kept].join('')
  }, body)
}

/**
 * Codes of Microsoft, which its pages contain in a script.
 * https://learn.microsoft.com/entra/identity-platform/reference-error-codes
 */
const MICROSOFT_CODES: readonly (readonly [PageTopic, RegExp])[] = [
  ['redirect-uri', /AADSTS(?:50011|500113|900971)\b/],
  ['client', /AADSTS(?:700016|700038|90002|900023|50059)\b/],
  ['scope', /AADSTS(?:70011|650053|650052|65005)\b/],
]

/** Error codes that are unlikely on any other page. */
const CODES: readonly (readonly [PageTopic, RegExp])[] = [
  // Google, and servers that name the error of RFC 6749.
  ['redirect-uri', /redirect_uri_mismatch|invalid_redirect_uri|redirect_mismatch/],
  ['client', /invalid_client|invalid_client_id|\bdeleted_client\b/],
  ['scope', /invalid_scope/],
  // Facebook
  ['redirect-uri', /URL Blocked|Can't Load URL/],
  ['client', /Invalid App ID/],
]

const NEGATIVE =
  /mismatch|match|invalid|unknown|not found|not valid|not registered|not allowed|not a registered|not exist|unregistered|incorrect|unrecognized|wrong|\bno\b/i

/** Sentences that are about one of the parameters, for error pages. */
const WORDS: readonly (readonly [PageTopic, RegExp])[] = [
  ['redirect-uri', /redirect[ _-]?ur[il]|redirection ur[il]|callback url|reply (?:address|url)/i],
  ['scope', /\bscopes?\b/i],
  ['client', /client[ _]?id|\bclient\b|\bapplication\b|\bapp\b|api key/i],
]

/**
 * What an error page is about; `undefined` if it is not recognized. With `isError`, its words
 * count; otherwise it may be a login page, on which only unmistakable codes do.
 */
export function topicOf(body: string, url: URL, isError: boolean): PageTopic | undefined {
  const text = textOf(body)
  const all = `${text} ${parametersOf(url)}`
  const byCode =
    MICROSOFT_CODES.find(([, pattern]) => pattern.test(body)) ??
    CODES.find(([, pattern]) => pattern.test(all))
  if (byCode !== undefined) return byCode[0]
  if (!isError) return undefined
  const sentences = text.split(/[.;!] /)
  const byWord = WORDS.find(([, pattern]) =>
    sentences.some((one) => pattern.test(one) && NEGATIVE.test(one)),
  )
  return byWord?.[0]
}

/** Parameters with which pages receive an error. Google's is encoded in base64. */
function parametersOf({ searchParams }: URL): string {
  const encoded = searchParams.get('authError') ?? ''
  const decoded = Buffer.from(encoded, 'base64').toString('latin1')
  return [searchParams.get('error'), searchParams.get('error_description'), decoded].join(' ')
}
