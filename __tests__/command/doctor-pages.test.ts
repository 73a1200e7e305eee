import { describe, expect, test } from '@jest/globals'
import { divide, sentence } from '../../src/command/doctor/finding.js'
import { textOf, topicOf } from '../../src/command/doctor/page-topic.js'

const url = new URL('https://idp.example/authorize')

/** The topic of an error page with this text. */
const topic = (text: string, at = url) => topicOf(`<p>${text}</p>`, at, true)
/** The topic of a page that may be a login page. */
const topicOfLogin = (body: string, at = url) => topicOf(body, at, false)

describe('an error page', () => {
  test.each([
    ['Error 400: redirect_uri_mismatch', 'redirect-uri'],
    ["redirect_uri did not match any of the client's registered redirect_uris", 'redirect-uri'],
    ['The redirect URI included is not valid.', 'redirect-uri'],
    ['Invalid parameter: redirect_uri', 'redirect-uri'],
    ['The redirect_uri does not match the registered value', 'redirect-uri'],
    [
      'URL Blocked: This redirect failed because the redirect URI is not white-listed',
      'redirect-uri',
    ],
    ['Callback URL mismatch. The provided redirect_uri is not in the list', 'redirect-uri'],
    ['Error 401: invalid_client. The OAuth client was not found.', 'client'],
    ['Client not found.', 'client'],
    ['Unknown client', 'client'],
    ['Client authentication failed due to unknown client', 'client'],
    ['No application has this client_id.', 'client'],
    ['Invalid App ID: The provided app ID does not look like a valid app ID.', 'client'],
    ['Error 400: invalid_scope', 'scope'],
    ['The requested scope is invalid, unknown, or malformed.', 'scope'],
    ['Something went wrong. Please try again later.', undefined],
  ])('%s', (text, expected) => {
    expect(topic(text)).toBe(expected)
  })

  test.each([
    ['AADSTS50011', 'redirect-uri'],
    ['AADSTS700016', 'client'],
    ['AADSTS90002', 'client'],
    ['AADSTS70011', 'scope'],
    ['AADSTS50058', undefined],
  ])('of Microsoft has its code in a script: %s', (code, expected) => {
    const body = `<html><script>$Config={"strServiceExceptionMessage":"${code}: …"};</script></html>`
    expect(topicOfLogin(body)).toBe(expected)
  })

  test('of Google has its code in the URL', () => {
    const authError = Buffer.from('\n\x15redirect_uri_mismatch\x12\xb0').toString('base64')
    const at = new URL(
      `https://accounts.example/signin/oauth/error?${new URLSearchParams({ authError })}`,
    )
    expect(topicOfLogin('<p>Access blocked</p>', at)).toBe('redirect-uri')
  })
})

describe('a login page', () => {
  test.each([
    '<form><input name="redirect_uri" value="https://app.example/auth/callback"><p>No account? Sign up</p></form>',
    '<script>const errors = { invalid_client: "…", redirect_uri_mismatch: "…" }</script><p>Sign in</p>',
    '<p>This application is not verified. Client not found? Ask the scope owner.</p>',
  ])('is no error: %s', (body) => {
    expect(topicOfLogin(body)).toBeUndefined()
  })
})

test('the text of a page has no scripts, styles, tags and attributes', () => {
  const body =
    '<head><title>Oops</title><style>p { color: red }</style></head><header>Acme</header>' +
    '<script>let a = 1 < 2</script><p title="hidden">It&#39;s  &quot;wrong&quot;</p><script>unfinished'
  expect(textOf(body)).toBe('Oops Acme It\'s "wrong"')
  expect(textOf('<'.repeat(100_000)).length).toBeLessThan(5000)
})

describe('a message of this package', () => {
  test.each([
    [
      'the token endpoint responded with the error "invalid_client": the provider rejected the client: check clientId and clientSecret',
      'the token endpoint responded with the error "invalid_client": the provider rejected the client',
      'check clientId and clientSecret',
    ],
    [
      'the request failed: ECONNREFUSED. Hint: set the proxy',
      'the request failed: ECONNREFUSED',
      'set the proxy',
    ],
    ['nothing to do about it: it is so', 'nothing to do about it: it is so', undefined],
  ])('is divided: %s', (text, problem, fix) => {
    expect(divide(text)).toEqual({ problem, fix })
  })

  test('becomes a sentence, but names stay as they are', () => {
    expect(sentence('check the secret')).toBe('Check the secret.')
    expect(sentence('provider.github is missing')).toBe('provider.github is missing.')
    expect(sentence('is the option issuer right?')).toBe('Is the option issuer right?')
  })
})
