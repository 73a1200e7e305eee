import { accentColors, readableOn, sixDigits } from './colors.js'
import { html, type Html } from './html.js'

/** The colors of all pages, light and dark. */
export const colorRules = html`
:root {
  color-scheme: light dark;
  --ground: #f5f6f8; --card: #fff; --line: #d9dce2; --ink: #1a1d21; --quiet: #5a616b;
  --action: #1f2328; --action-hover: #3a4048; --on-action: #fff; --action-line: transparent; --link: #1f2328;
  --hover: #f3f4f6; --focus: #1d5fd6; --inset: #f5f6f8;
  --button: #fff; --button-line: #747775; --on-button: #1f1f1f; --button-hover: #f4f5f6;
  --lock: #eceef2; --on-lock: #3d4550; --done: #dff3e6; --on-done: #17633a; --stop: #fdeadd; --on-stop: #8f3d0c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0d0e11; --card: #17191d; --line: #343a43; --ink: #eceef1; --quiet: #a6adb8;
    --action: #eceef1; --action-hover: #fff; --on-action: #16181c; --link: #eceef1;
    --hover: #242930; --focus: #8ab4ff; --inset: #101215;
    --button: #131314; --button-line: #8e918f; --on-button: #e3e3e3; --button-hover: #222427;
    --lock: #2a3038; --on-lock: #c3cad4; --done: #143524; --on-done: #83dbaa; --stop: #40230f; --on-stop: #ffb787;
  }
}
@media (prefers-contrast: more) {
  :root { --line: var(--ink); --quiet: var(--ink); }
}
`

/** The style sheet of the built-in pages, inlined under the nonce of the page's policy. */
export const style = html`${colorRules}
*, ::before, ::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  display: grid; grid-template-columns: minmax(0, 25rem); align-content: center; justify-content: center;
  min-height: 100vh; min-height: 100dvh; margin: 0; padding: 1rem;
  background: var(--ground); color: var(--ink); overflow-wrap: anywhere;
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
main {
  padding: clamp(1.5rem, 8vw, 2.5rem); background: var(--card); text-align: center;
  border: 1px solid var(--line); border-radius: 1rem; box-shadow: 0 1px 2px #0000000a, 0 8px 24px #0000000d;
}
.brand { display: block; margin: 0 0 1.5rem; font-weight: 600; }
.brand img { display: block; max-width: min(100%, 14rem); height: 3rem; margin: 0 auto; object-fit: contain; }
.sign { display: block; width: 3rem; height: 3rem; margin: 0 auto 1.25rem; padding: .6875rem; border-radius: 50%; }
.lock { background: var(--lock); color: var(--on-lock); }
.done { background: var(--done); color: var(--on-done); }
.stop { background: var(--stop); color: var(--on-stop); }
h1 {
  margin: 0; font-size: 1.375rem; font-weight: 650; line-height: 1.3; letter-spacing: -.01em;
  text-wrap: balance;
}
h1, p, .button { word-break: auto-phrase; }
main > h1, main > p { unicode-bidi: plaintext; }
p { margin: .625rem 0 0; text-wrap: pretty; }
a { color: var(--link); }
.quiet { color: var(--quiet); }
.account, blockquote {
  margin: 1.25rem 0 0; padding: .75rem 1rem; overflow: hidden; text-align: start;
  background: var(--inset); border: 1px solid var(--line); border-radius: .625rem;
}
blockquote { margin-top: .5rem; }
.account > * { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; margin: 0; overflow: hidden; font-size: .9375rem; }
.account > .quiet { margin-bottom: .125rem; font-size: .8125rem; }
.account > .quiet + * { font-size: 1rem; font-weight: 600; }
.account > .quiet + * ~ * { color: var(--quiet); }
.actions, .providers { display: grid; gap: .625rem; margin: 1.75rem 0 0; padding: 0; list-style: none; }
.button {
  display: flex; align-items: center; justify-content: center; width: 100%; min-height: 2.75rem; padding: .5rem 1rem;
  border: 1px solid var(--line); border-radius: .5rem; background: var(--card); color: var(--ink);
  font: inherit; font-weight: 550; line-height: 1.3; text-align: center; text-decoration: none; cursor: pointer;
}
.button:hover { background: var(--hover); }
.primary { border-color: var(--action-line); background: var(--action); color: var(--on-action); }
.primary:hover { background: var(--action-hover); }
:is(a, button):focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
.provider {
  gap: .75rem; justify-content: flex-start; padding-inline: .875rem; text-align: start; font-weight: 500;
  background: var(--button); border-color: var(--button-line); color: var(--on-button);
}
.provider:hover { background: var(--button-hover); }
.microsoft { --button-line: #8c8c8c; --on-button: #5e5e5e; }
.provider > :last-child { min-width: 0; }
.glyph { display: grid; flex: none; place-items: center; width: 1.75rem; height: 1.75rem; border-radius: .375rem; overflow: hidden; }
.mark { display: block; width: 1.25rem; height: 1.25rem; }
.neutral { background: var(--lock); color: var(--on-lock); }
.neutral .mark { width: 1.125rem; height: 1.125rem; }
.image { background: #fff; }
.image img { width: 1.25rem; height: 1.25rem; object-fit: contain; }
.small { margin-top: 1.75rem; font-size: .8125rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--quiet); }
.small p { margin: 0; font-size: .8125rem; }
.small p + p { margin-top: .25rem; }
.small .hint { margin-top: .75rem; text-align: start; color: var(--ink); }
code { font: .9375em/1.4 ui-monospace, monospace; color: var(--ink); }
footer { margin-top: 1rem; text-align: center; font-size: .875rem; }
footer a { display: inline-block; padding: .5rem; border-radius: .25rem; }
@media (prefers-color-scheme: dark) {
  .microsoft { --button: #2f2f2f; --button-hover: #3a3a3a; --on-button: #fff; }
}
@media (prefers-reduced-motion: no-preference) {
  .button { transition: background-color .12s; }
}
@media (forced-colors: active) {
  .sign { border: 1px solid; background: Canvas; color: CanvasText; }
  .primary { border: 2px solid; }
  .mark { forced-color-adjust: none; }
}
`

/** The rules of the option `accentColor`, which is valid. */
export function accentRules(accentColor: string): Html {
  const rule = (scheme: 'light' | 'dark') => {
    const { action, onAction, actionHover, actionLine, link } = accentColors(accentColor, scheme)
    return html`:root { --action: ${action}; --on-action: ${onAction}; --action-hover: ${actionHover}; --action-line: ${actionLine}; --link: ${link}; --focus: ${link}; }`
  }
  return html`${rule('light')}
@media (prefers-color-scheme: dark) { ${rule('dark')} }
`
}

/**
 * The colors of the providers' icons, as rules: the page's policy does not allow `style`
 * attributes.
 */
export function brandRules(colors: readonly (string | undefined)[]): Html[] {
  return colors.flatMap((color, index) => {
    const hex = color === undefined ? undefined : sixDigits(color)
    if (hex === undefined) return []
    return html`.brand-${index} { background: ${hex}; color: ${readableOn(hex)}; }\n`
  })
}
