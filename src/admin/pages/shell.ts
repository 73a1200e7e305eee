import { html, type Html } from '../../pages/html.js'
import type { Branding } from '../../pages/branding.js'
import { FAVICON } from '../../pages/marks.js'
import { accentRules } from '../../pages/style.js'
import type { PageVisit } from '../../middleware/admin-access.js'
import { keyIcon, messageIcons, sectionIcons } from './icons.js'
import { avatar, type BadgeTone, nameOf } from './parts.js'
import type { Screen, Section } from './screen.js'
import { adminStyle, partStyle } from './style.js'
import { widthStyle } from './width-style.js'

/** A message above the content, such as the result of an action. */
export interface Notice {
  readonly text: string
  readonly tone: Extract<BadgeTone, 'good' | 'bad'>
}

/** What a page is rendered with, besides its content. */
export interface ShellSetting {
  readonly nonce: string
  readonly branding: Branding
  /** `undefined` on pages without a user. */
  readonly visit: PageVisit | undefined
  readonly notice?: Notice | undefined
}

const MENU: readonly (readonly [section: Section, label: string, path: string])[] = [
  ['overview', 'Overview', '/'],
  ['users', 'Users', '/users'],
  ['sessions', 'Sessions', '/sessions'],
  ['usage', 'Usage', '/usage'],
  ['configuration', 'Configuration', '/configuration'],
  ['audit', 'Audit log', '/audit'],
]

/** A complete page. */
export function shell(screen: Screen, setting: ShellSetting): Html {
  const { nonce, branding, visit, notice } = setting
  const { appName, accentColor } = branding
  const { title, lead, tools, body } = screen
  return html`<!doctype html>
<html lang="en" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${title} · ${appName === undefined ? 'Administration' : `${appName} administration`}</title>
<link rel="icon" href="${FAVICON}">
<style nonce="${nonce}">${adminStyle}${partStyle}${widthStyle}${accentColor && accentRules(accentColor)}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
${top(appName, visit, screen.section)}
<main id="content" tabindex="-1">
${notice && html`<p class="note ${notice.tone}" role="status">${messageIcons[notice.tone]}<span>${notice.text}</span></p>`}
${visit && crumbs(screen, visit)}
<div class="head"><div class="lead">${lead}<h1><bdi>${title}</bdi></h1></div>${tools}</div>
${body}
</main>
</body>
</html>
`
}

function top(
  appName: string | undefined,
  visit: PageVisit | undefined,
  section: Section | undefined,
): Html {
  const name = html`${keyIcon}<span>${appName && html`<bdi>${appName}</bdi> `}<span class="quiet">${
    appName === undefined ? 'Administration' : 'Admin'
  }</span></span>`
  if (visit === undefined)
    return html`<header class="top"><div class="bar"><span class="home">${name}</span></div></header>`
  const { basePath, logoutUrl, user } = visit
  const entries = MENU.map(
    ([key, label, path]) =>
      html`<li><a href="${basePath}${path}"${key === section && html` aria-current="page"`}>${sectionIcons[key]}${label}</a></li>`,
  )
  const own = nameOf({ ...user, id: user.key })
  return html`<header class="top"><div class="rail">
<div class="bar">
<a class="home" href="${basePath}/">${name}</a>
<div class="me">${avatar(user.key, own)}<span class="names"><span><bdi>${own}</bdi></span></span><a class="button small" href="${logoutUrl}">Sign out</a></div>
</div>
<nav class="nav" aria-label="Administration"><ul class="menu">${entries}</ul></nav>
</div></header>`
}

function crumbs({ breadcrumbs = [], title }: Screen, { basePath }: PageVisit): Html | undefined {
  if (breadcrumbs.length === 0) return undefined
  const links = breadcrumbs.map(
    ({ label, path }) => html`<li><a href="${basePath}${path}"><bdi>${label}</bdi></a></li>`,
  )
  return html`<nav class="crumbs" aria-label="Breadcrumb"><ol>${links}<li aria-current="page" class="hidden">${title}</li></ol></nav>`
}
