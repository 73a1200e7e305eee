import type { ErrorContext, PageUser } from './contexts.js'
import { html, type Html } from './html.js'
import { fill, type PageSetting } from './layout.js'

/** Who is signed in, and where. */
export function account({ texts }: PageSetting, user: PageUser): Html {
  const names = [user.name, user.email, user.username].filter((value) => value?.trim())
  const lines = [...new Set(names)].map((value) => html`<span><bdi>${value}</bdi></span>`)
  return html`<div class="account">
<p class="quiet">${fill(texts, 'signedInWith', user.provider)}</p>
${lines.length > 0 ? lines : html`<span>${texts.namelessAccount}</span>`}
</div>`
}

/**
 * The code and the ID for support, and the hint for developers, which is in English in every
 * language.
 */
export function smallPrint(
  { texts }: PageSetting,
  { code, decisionId, hint }: Pick<ErrorContext, 'code' | 'decisionId' | 'hint'>,
): Html {
  return html`<div class="small">
<p>${texts.errorCode} <code>${code}</code></p>
${decisionId && html`<p>${texts.decisionId} <code>${decisionId}</code></p>`}
${hint && html`<p class="hint" lang="en" dir="ltr">Only in development: <bdi>${hint}</bdi></p>`}
</div>`
}
