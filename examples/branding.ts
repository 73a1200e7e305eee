/**
 * The pages of the gate in the look and the languages of a company, and one custom page. Sign in
 * with the development provider, and sign out again at /auth/logout.
 */
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import express from 'express'
import { oauthModule, oidcProvider, type PartialPageTexts } from 'oauth-module'
import { devProvider } from 'oauth-module/dev'
import { personPage } from './support/page.js'

const { issuer, clientId, clientSecret } = await devProvider()
const client = { issuer, clientId, clientSecret, emailDomains: ['example.com'] }

const german: PartialPageTexts = {
  signInTo: 'Bei {app} anmelden',
  chooseProvider: 'Wie möchten Sie sich anmelden?',
  signInWith: 'Mit {provider} anmelden',
  tryAgain: 'Erneut versuchen',
  useAnotherAccount: 'Anderes Konto verwenden',
  useAnotherProvider: 'Anders anmelden',
  signOut: 'Abmelden',
  signedInWith: 'Angemeldet mit {provider} als',
  support: 'Hilfe',
  errorCode: 'Fehlercode',
  decisionId: 'Vorgang',
  errors: {
    not_authorized: {
      title: 'Dieses Konto hat keinen Zugriff',
      message: 'Mit diesem Konto dürfen Sie diese Anwendung nicht verwenden.',
    },
  },
}
const arabic: PartialPageTexts = {
  signInTo: 'تسجيل الدخول إلى {app}',
  chooseProvider: 'اختر طريقة تسجيل الدخول.',
  signInWith: 'تسجيل الدخول باستخدام {provider}',
}
const languages: Record<string, PartialPageTexts> = { de: german, ar: arabic }

const app = express()
// In front of the gate: users without a session load the logo and the style sheet.
app.use('/assets', express.static(fileURLToPath(new URL('assets', import.meta.url))))
app.use(
  oauthModule({
    provider: {
      staff: oidcProvider({ ...client, displayName: 'your staff account' }),
      partners: oidcProvider({ ...client, displayName: 'a partner account' }),
    },
    branding: {
      appName: 'Acme',
      logoUrl: '/assets/logo.svg',
      darkLogoUrl: '/assets/logo-dark.svg',
      accentColor: '#5b5bd6',
      supportUrl: 'mailto:help@acme.example',
    },
    texts: (language) => languages[language],
    pages: {
      signedOut: ({ html, nonce, loginUrl, branding, lang, dir }) => html`<!doctype html>
        <html lang="${lang}" dir="${dir}">
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <title>Goodbye</title>
          <link rel="stylesheet" href="/assets/goodbye.css" />
          <style nonce="${nonce}">a { color: ${branding.accentColor} }</style>
          <main>
            <h1>Thank you for using ${branding.appName}</h1>
            <p><a href="${loginUrl}">Sign in again</a></p>
          </main>
        </html>`,
    },
  }),
)
app.get('/{*path}', (req, res) => {
  res.send(personPage(req))
})

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', (error) => {
  if (error) throw error
  console.log(`http://localhost:${(server.address() as AddressInfo).port}`)
})
