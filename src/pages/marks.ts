import type { VendorMark } from '../oauth/definition.js'
import { html, type Html } from './html.js'
import { MARK_PATHS } from './mark-paths.js'

/** A shape and its color. `undefined`: the color of the text around the mark. */
interface Shape {
  readonly path: string
  readonly fill?: string
}

const WHITE = '#fff'
const [github] = MARK_PATHS.github
const [gitlab] = MARK_PATHS.gitlab
const [facebook] = MARK_PATHS.facebook
const [linkedin] = MARK_PATHS.linkedin
const [twitchFrame, twitchEyes] = MARK_PATHS.twitch
const [amazonLetterAndSmile, amazonTip] = MARK_PATHS.amazon
const smileStart = amazonLetterAndSmile.indexOf('M.435')

/**
 * The marks in the colors that their owners prescribe, in a view box of 16 by 16. Letters that are
 * cut out have white behind them, so that they stay white in dark mode.
 */
const SHAPES: Readonly<Record<VendorMark, readonly Shape[]>> = {
  // https://brand.github.com/foundations/logo
  github: [{ path: github }],
  // https://developers.google.com/identity/branding-guidelines
  google: [
    {
      path: 'M.85 4.41A8 8 0 0 1 13.35 2.08L11.07 4.37A4.76 4.76 0 0 0 3.51 6.47Z',
      fill: '#ea4335',
    },
    { path: 'M.85 4.41A8 8 0 0 0 .85 11.59L3.51 9.53A4.76 4.76 0 0 1 3.51 6.47Z', fill: '#fbbc05' },
    {
      path: 'M.85 11.59A8 8 0 0 0 13.3 14.06L10.72 12.06A4.76 4.76 0 0 1 3.51 9.53Z',
      fill: '#34a853',
    },
    {
      path: 'M8 6.67H15.53A8 8 0 0 1 13.3 14.06L10.72 12.06A4.76 4.76 0 0 0 12.31 9.67H8Z',
      fill: '#4285f4',
    },
  ],
  // https://learn.microsoft.com/entra/identity-platform/howto-add-branding-in-apps
  microsoft: [
    { path: 'M0 0h7.6v7.6H0z', fill: '#f25022' },
    { path: 'M8.4 0H16v7.6H8.4z', fill: '#7fba00' },
    { path: 'M0 8.4h7.6V16H0z', fill: '#00a4ef' },
    { path: 'M8.4 8.4H16V16H8.4z', fill: '#ffb900' },
  ],
  // https://about.gitlab.com/press/press-kit/
  gitlab: [{ path: gitlab, fill: '#fc6d26' }],
  // https://about.meta.com/brand/resources/facebook/logo/
  facebook: [
    { path: 'M8 .4a7.6 7.6 0 1 1 0 15.2A7.6 7.6 0 1 1 8 .4z', fill: WHITE },
    { path: facebook, fill: '#1877f2' },
  ],
  // https://brand.linkedin.com/in-logo
  linkedin: [
    { path: 'M1 1h14v14H1z', fill: WHITE },
    { path: linkedin, fill: '#0a66c2' },
  ],
  // https://brand.twitch.com/
  twitch: [
    {
      path: 'M13.571 7.429 11.286 9.714H9l-2 2v-2H4.429V1.143h9.142z',
      fill: WHITE,
    },
    { path: twitchFrame + twitchEyes, fill: '#9146ff' },
  ],
  // https://developer.amazon.com/docs/login-with-amazon/button.html
  amazon: [
    { path: amazonLetterAndSmile.slice(0, smileStart) },
    { path: amazonLetterAndSmile.slice(smileStart) + amazonTip, fill: '#ff9900' },
  ],
}

/** The mark of a vendor, as inline SVG. The label next to it names the vendor. */
export function markOf(vendor: VendorMark): Html {
  const paths = SHAPES[vendor].map(
    ({ path, fill = 'currentColor' }) => html`<path fill="${fill}" d="${path}"/>`,
  )
  return html`<svg class="mark" viewBox="0 0 16 16" aria-hidden="true" focusable="false">${paths}</svg>`
}

/** The icon of a provider that has none: a key. */
export const neutralMark = html`<svg class="mark" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2"
 stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false"><circle cx="8" cy="15.5" r="4.5"/><path d="M11.5 12.5 20 4m-4.5 4.5 3 3M12.5 11.5l2 2"/></svg>`

/** The data URI of the icon in the browser's tab: a key. Without one, browsers request an icon of the app. */
export const FAVICON = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#3d4550"/><g fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round"><circle cx="12" cy="19.5" r="4.8"/><path d="M15.6 16 23.5 8m-3.7 3.8 3 3"/></g></svg>',
)}`
