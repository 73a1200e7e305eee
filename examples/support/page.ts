import type { Request } from 'express'
import { html } from 'oauth-module'

/** A page that shows what the app receives about its user. */
export function personPage(req: Request): string {
  const { user, createdAt, lastCheckedAt, sessionExpiresAt } = req.oauth
  // Headers with tokens are not enumerable, so that logs do not contain them.
  const names = [
    ...Object.keys(req.headers),
    'ngrok-auth-oauth-access-token',
    'ngrok-auth-oauth-refresh-token',
  ]
  const headers = names
    .filter((name) => name.startsWith('ngrok-auth-') && req.headers[name] !== undefined)
    .map((name) => [name, req.headers[name]] as const)
  const times = Object.entries({
    'logged in': createdAt,
    'last checked': lastCheckedAt,
    'ends without activity': sessionExpiresAt,
  })
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>Hello, ${user?.name ?? user?.id}</title>
        <style>
          body { font: 1rem/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem }
          table { border-collapse: collapse; width: 100%; table-layout: fixed }
          th, td { text-align: left; padding: 0.3rem 0.6rem 0.3rem 0; border-bottom: 1px solid #8886; overflow-wrap: anywhere; vertical-align: top }
          th { font-weight: 500; width: 40% }
        </style>
      </head>
      <body>
        <h1>Hello, <bdi>${user?.name ?? user?.id}</bdi></h1>
        <p>You asked for <code>${req.originalUrl}</code>. <a href="${req.oauth.logoutUrl()}">Log out</a></p>
        <h2>The user</h2>
        ${table(Object.entries({ key: user?.key, name: user?.name, email: user?.email, provider: user?.provider }))}
        <h2>Headers the app received</h2>
        ${table(headers.map(([name, value]) => [name, name.endsWith('-token') ? `${String(value).slice(0, 12)}…` : value]))}
        <h2>The session</h2>
        ${table(times.map(([name, at]) => [name, at && new Date(at).toISOString()]))}
      </body>
    </html>`.toString()
}

function table(rows: [string, unknown][]) {
  return html`<table>${rows.map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${String(value ?? '–')}</td></tr>`)}</table>`
}
