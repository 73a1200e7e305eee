import type { VendorResponse, VendorRequest, VendorUser } from './types.js'

/** The query parameter of the persona page's links. No vendor has a parameter of this name. */
export const PERSONA = 'dev_persona'

const style = `
:root { color-scheme: light dark; --ink: #1c2024; --quiet: #5b6470; --paper: #fff; --desk: #eef0f3; --line: #d5d9df; --mark: #2456c8 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #eceef1; --quiet: #a3acb8; --paper: #1d2127; --desk: #121519; --line: #363c45; --mark: #8fb0ff }
}
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; background: var(--desk); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif }
main { width: min(100%, 26rem); padding: 2rem 1.5rem; background: var(--paper); border: 1px solid var(--line); border-radius: 1rem }
h1 { margin: 0; font-size: 1.375rem; line-height: 1.3 }
p { margin: .25rem 0 1.25rem; color: var(--quiet) }
ul { margin: 0 0 1rem; padding: 0; list-style: none; display: grid; gap: .5rem }
a { display: block; padding: .75rem 1rem; border: 1px solid var(--line); border-radius: .625rem; color: var(--ink); text-decoration: none; overflow-wrap: anywhere }
a:hover, a:focus-visible { border-color: var(--mark) }
a:focus-visible { outline: 2px solid var(--mark); outline-offset: 2px }
a span { display: block; color: var(--quiet); font-size: .875rem }
a.deny { border-color: transparent; color: var(--mark); text-align: center }`

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const escape = (text: string) => text.replace(/[&<>"']/g, (character) => entities[character] ?? '')

function page(status: number, title: string, content: string): VendorResponse {
  const body = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>${style}
</style>
</head>
<body>
<main>
<h1>${escape(title)}</h1>
${content}
</main>
</body>
</html>
`
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy':
      "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    'cache-control': 'no-store',
  }
  return { status, headers, body }
}

/** The vendor's error page. */
export function errorPage(title: string, explanation: string, status = 400): VendorResponse {
  return page(status, title, `<p>${escape(explanation)}</p>`)
}

/** The page after a logout at the provider. */
export function signedOutPage(): VendorResponse {
  return page(200, 'Signed out', '<p>You are signed out at the provider.</p>')
}

/** The page that simulates the login: a link for each user, and one to deny access. */
export function personaPage(
  { method, url, body }: VendorRequest,
  users: readonly VendorUser[],
): VendorResponse {
  // Links are GET requests, so posted parameters move to the query.
  const requestUrl = method === 'POST' ? `${url}${url.includes('?') ? '&' : '?'}${body}` : url
  const link = (persona: string) =>
    escape(`${requestUrl}${requestUrl.includes('?') ? '&' : '?'}${PERSONA}=${persona}`)
  const items = users.map((user, userIndex) => {
    const name = escape(String(user.name ?? user.username ?? user.id))
    const detail = escape(String(user.email ?? user.username ?? user.id))
    return `<li><a href="${link(String(userIndex))}">${name}<span>${detail}</span></a></li>`
  })
  const content = `<p>Choose an account to continue. These people live on this machine only.</p>
<ul>
${items.join('\n')}
</ul>
<a class="deny" href="${link('deny')}">Deny access</a>`
  return page(200, 'Who is signing in?', content)
}
