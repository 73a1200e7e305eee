import type { Device, DevicesContext } from './contexts.js'
import { html, type Html } from './html.js'
import { icons, layout, link, type PageSetting, webUrl } from './layout.js'
import { relativeFormat, relativeTime } from './relative-time.js'

const rules = html`
.devices { display: grid; gap: .625rem; margin: 1.75rem 0 0; padding: 0; list-style: none; text-align: start; }
.devices li { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem .75rem; padding: .75rem .875rem; border: 1px solid var(--line); border-radius: .625rem; background: var(--inset); }
.devices .text { flex: 1 1 11rem; min-width: 0; font-size: .875rem; }
.devices .text > * { display: block; }
.devices strong { font-size: .9375rem; font-weight: 600; }
.devices .this { color: var(--on-done); font-weight: 550; }
.devices .button { width: auto; min-height: 2.25rem; padding: .25rem .75rem; font-size: .875rem; }
`

/** Shows the devices on which the user is signed in. */
export function devices(context: DevicesContext, setting: PageSetting): Html {
  const { texts } = setting
  const { everywhere, startUrl } = context
  const items = context.devices.map((device) => html`<li>${item(device, context, setting)}</li>`)
  const body = html`<p class="quiet">${texts.devices}</p>
<ul class="devices">${items}</ul>
<div class="actions">
${form(context, everywhere, html`<button class="button" type="submit">${texts.signOutEverywhere}</button>`)}
${link(startUrl, texts.startPage, 'plain')}
</div>`
  return layout(setting, { icon: icons.lock, title: texts.devicesTitle, body, rules })
}

function item(device: Device, context: DevicesContext, setting: PageSetting): Html {
  const { texts } = setting
  const { id, isCurrent, ipAddress, createdAt, lastActive } = device
  const name = nameOf(device, setting)
  const times = isCurrent
    ? phrase(texts.signedInAt, createdAt, context, texts.lang)
    : phrase(texts.lastActive, lastActive, context, texts.lang)
  const label = `${texts.signOut}: ${plainNameOf(device, setting)}`
  const button = html`<button class="button" type="submit" aria-label="${label}">${texts.signOut}</button>`
  return html`<span class="text"><strong>${name}</strong>${
    isCurrent && html`<span class="this">${texts.thisDevice}</span>`
  }<span class="quiet">${times}</span>${ipAddress && html`<span class="quiet"><bdi>${ipAddress}</bdi></span>`}</span>
${form(context, id, button)}`
}

/** A form that ends a session, or all of them. */
function form({ formUrl, token }: DevicesContext, session: string, button: Html): Html {
  return html`<form method="post" action="${webUrl(formUrl)}"><input type="hidden" name="token" value="${token}"><input type="hidden" name="session" value="${session}">${button}</form>`
}

function nameOf({ browser, system }: Device, { texts }: PageSetting): Html {
  if (browser === null || system === null)
    return html`<bdi>${browser ?? system ?? texts.unknownDevice}</bdi>`
  const parts = texts.browserOnSystem.split(/(\{(?:browser|system)\})/)
  const values: Readonly<Record<string, string>> = { '{browser}': browser, '{system}': system }
  return html`${parts.map((part) => (values[part] === undefined ? part : html`<bdi>${values[part]}</bdi>`))}`
}

function plainNameOf({ browser, system }: Device, { texts }: PageSetting): string {
  if (browser === null || system === null) return browser ?? system ?? texts.unknownDevice
  return texts.browserOnSystem.replace('{browser}', () => browser).replace('{system}', () => system)
}

/** A sentence with a time, whose exact value is its title. */
function phrase(text: string, at: number, { now }: DevicesContext, lang: string): Html {
  const [before = '', after = ''] = text.split('{time}')
  const exact = new Date(at).toISOString()
  const relative = relativeTime(at, now, relativeFormat(lang))
  return html`${before}<time datetime="${exact}" title="${exact}">${relative}</time>${after}`
}
