import { html, type Html } from '../../pages/html.js'
import type { Section } from './screen.js'

function icon(paths: Html): Html {
  return html`<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">${paths}</svg>`
}

/** The key of the favicon. */
export const keyIcon = icon(
  html`<circle cx="8" cy="15.5" r="4.5"/><path d="M11.5 12.5 20 4m-4.5 4.5 3 3M12.5 11.5l2 2"/>`,
)

/** The icons of the navigation. */
export const sectionIcons: Readonly<Record<Section, Html>> = {
  overview: icon(
    html`<rect x="4" y="4" width="7" height="9" rx="1.5"/><rect x="13" y="4" width="7" height="5" rx="1.5"/><rect x="13" y="11" width="7" height="9" rx="1.5"/><rect x="4" y="15" width="7" height="5" rx="1.5"/>`,
  ),
  users: icon(
    html`<circle cx="9" cy="8" r="3.5"/><path d="M2.5 20c.6-3.4 3.2-5.5 6.5-5.5s5.9 2.1 6.5 5.5M16 4.8a3.5 3.5 0 0 1 0 6.4M18.5 14.9c1.6.9 2.6 2.6 3 5.1"/>`,
  ),
  sessions: icon(
    html`<rect x="3" y="4.5" width="18" height="12" rx="2"/><path d="M8.5 20h7M12 16.5V20"/>`,
  ),
  usage: icon(html`<path d="M4 20V10m5.3 10V4m5.4 16v-7M20 20V8"/>`),
  configuration: icon(
    html`<path d="M4 7h9m5 0h2M4 17h2m5 0h9"/><circle cx="15.5" cy="7" r="2.5"/><circle cx="8.5" cy="17" r="2.5"/>`,
  ),
  audit: icon(html`<path d="M6 3.5h8.5L19 8v12.5H6zM14 3.5V8.5h5M9 12.5h7M9 16h7"/>`),
}

/** Icons of devices, by the type that their user agents show. */
const deviceIcons: Readonly<Record<string, Html>> = {
  Desktop: sectionIcons.sessions,
  Mobile: icon(html`<rect x="7" y="2.5" width="10" height="19" rx="2.5"/><path d="M11 18.5h2"/>`),
  Tablet: icon(html`<rect x="4.5" y="2.5" width="15" height="19" rx="2.5"/><path d="M11 18.5h2"/>`),
}

const otherDevice = icon(
  html`<circle cx="12" cy="12" r="8.5"/><path d="M3.5 12h17M12 3.5c5 5.5 5 11.5 0 17M12 3.5c-5 5.5-5 11.5 0 17"/>`,
)

/** The icon of a device. */
export function deviceIcon(type: string | null): Html {
  return deviceIcons[type ?? ''] ?? otherDevice
}

/** The icon of a message. */
export const messageIcons = {
  good: icon(html`<circle cx="12" cy="12" r="9"/><path d="m8 12.5 2.7 2.7L16 9.5"/>`),
  bad: icon(html`<circle cx="12" cy="12" r="9"/><path d="M12 7.5v5.5M12 16.5v.01"/>`),
} as const
