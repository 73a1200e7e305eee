import { randomBytes } from 'node:crypto'
import { html, type Html } from '../../pages/html.js'
import { devLayout, devPolicy, personList } from '../layout.js'
import type { VendorResponse, VendorRequest, VendorUser } from './types.js'

/** The query parameter of the persona page's links. No vendor has a parameter of this name. */
export const PERSONA = 'dev_persona'

const NOTE = 'A simulation of the provider: it and its accounts exist on this computer only.'

function page(status: number, title: string, body: Html): VendorResponse {
  const nonce = randomBytes(16).toString('base64')
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': devPolicy(nonce),
    'cache-control': 'no-store',
  }
  const site = 'simulated provider'
  return { status, headers, body: devLayout({ nonce, title, body, site, note: NOTE }) }
}

/** A page that posts the response to the client. (OAuth 2.0 Form Post Response Mode, appendix A) */
export function formPostPage(action: string, fields: Record<string, string>): VendorResponse {
  const inputs = Object.entries(fields).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">\n`,
  )
  const body = html`<!doctype html>
<html lang="en">
<title>Continue</title>
<form method="post" action="${action}">
${inputs}
<button>Continue</button>
</form>
<script>document.forms[0].submit()</script>
</html>
`.toString()
  const headers = { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' }
  return { status: 200, headers, body }
}

/** The vendor's error page. */
export function errorPage(title: string, explanation: string, status = 400): VendorResponse {
  return page(status, title, html`<p>${explanation}</p>`)
}

/** The page after a logout at the provider. */
export function signedOutPage(): VendorResponse {
  return page(200, 'Signed out', html`<p>You are signed out at the provider.</p>`)
}

/** The page that simulates the login: a link for each user, and one to deny access. */
export function personaPage(
  { method, url, body }: VendorRequest,
  users: readonly VendorUser[],
): VendorResponse {
  // Links are GET requests, so posted parameters move to the query.
  const requestUrl = method === 'POST' ? `${url}${url.includes('?') ? '&' : '?'}${body}` : url
  const link = (persona: string) =>
    `${requestUrl}${requestUrl.includes('?') ? '&' : '?'}${PERSONA}=${persona}`
  const people = users.map((user, userIndex) => ({
    id: String(user.id),
    name: String(user.name ?? user.username ?? user.id),
    detail: String(user.email ?? user.username ?? user.id),
    url: link(String(userIndex)),
  }))
  const content = html`<p class="quiet">Choose an account to continue.</p>
${personList(people)}
<a class="button deny" href="${link('deny')}">Deny access</a>`
  return page(200, 'Who is signing in?', content)
}
