import { html, type Html } from './html.js'

/** The style sheet of the built-in pages, inlined under the nonce of the page's policy. */
export const style = html`
:root {
  color-scheme: light dark;
  --ground: #f3f4f6; --card: #fff; --line: #d4d8de; --ink: #1a1d21; --quiet: #565d67;
  --action: #1f2328; --action-hover: #3a4048; --on-action: #fff; --hover: #f3f4f6; --focus: #1d5fd6;
  --lock: #e9ecf1; --on-lock: #3d4550; --done: #dff3e6; --on-done: #17633a; --stop: #fdeadd; --on-stop: #8f3d0c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0f1114; --card: #191c21; --line: #414853; --ink: #eceef1; --quiet: #a6adb8;
    --action: #eceef1; --action-hover: #fff; --on-action: #16181c; --hover: #242930; --focus: #8ab4ff;
    --lock: #2a3038; --on-lock: #c3cad4; --done: #143524; --on-done: #83dbaa; --stop: #40230f; --on-stop: #ffb787;
  }
}
@media (prefers-contrast: more) {
  :root { --line: var(--ink); --quiet: var(--ink); }
}
*, ::before, ::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  display: grid; grid-template-columns: minmax(0, 26rem); align-content: center; justify-content: center;
  min-height: 100vh; min-height: 100dvh; margin: 0; padding: 1rem;
  background: var(--ground); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere;
}
main {
  padding: clamp(1.5rem, 7vw, 2.5rem); background: var(--card);
  border: 1px solid var(--line); border-radius: 1rem; box-shadow: 0 1px 2px #0000000a, 0 12px 32px #0000000f;
}
.sign { display: block; width: 3rem; height: 3rem; padding: .6875rem; border-radius: 50%; }
.lock { background: var(--lock); color: var(--on-lock); }
.done { background: var(--done); color: var(--on-done); }
.stop { background: var(--stop); color: var(--on-stop); }
h1 {
  margin: 1.25rem 0 0; font-size: 1.5rem; font-weight: 650; line-height: 1.25; letter-spacing: -.012em;
  overflow-wrap: break-word; text-wrap: balance;
}
p { margin: .75rem 0 0; text-wrap: pretty; }
.quiet { color: var(--quiet); }
.account, blockquote {
  margin: .5rem 0 0; padding: .75rem 1rem; overflow: hidden;
  background: var(--ground); border: 1px solid var(--line); border-radius: .625rem;
}
.account > * { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden; }
.account > :first-child { font-weight: 600; }
.account > :not(:first-child) { color: var(--quiet); font-size: .9375rem; }
.actions, .providers { display: grid; gap: .75rem; margin: 1.75rem 0 0; padding: 0; list-style: none; }
.button {
  display: flex; align-items: center; justify-content: center; width: 100%; min-height: 3rem; padding: .625rem 1rem;
  border: 1px solid var(--line); border-radius: .625rem; background: var(--card); color: var(--ink);
  font: inherit; font-weight: 550; line-height: 1.3; text-align: center; text-decoration: none; cursor: pointer;
}
.button:hover { background: var(--hover); }
.primary { border-color: transparent; background: var(--action); color: var(--on-action); }
.primary:hover { background: var(--action-hover); }
.button:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
.provider { justify-content: flex-start; align-items: stretch; padding: 0; overflow: hidden; text-align: start; }
.provider > :last-child { align-self: center; min-width: 0; padding: .625rem 1rem; }
.glyph {
  display: grid; flex: none; place-items: center; width: 3rem; background: var(--lock); color: var(--on-lock);
  border-inline-end: 1px solid #8885; font-size: 1.125rem; font-weight: 700; overflow: hidden;
}
.glyph:has(img) { background: #fff; }
.glyph img { width: 1.375rem; height: 1.375rem; object-fit: contain; }
.small { margin-top: 1.75rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--quiet); }
.small, .small p { font-size: .8125rem; }
.small p { margin: 0; }
.small p + p { margin-top: .375rem; }
code { font: .9375em/1.4 ui-monospace, monospace; color: var(--ink); }
@media (prefers-reduced-motion: no-preference) {
  .button { transition: background-color .12s; }
}
@media (forced-colors: active) {
  .sign { border: 1px solid; background: Canvas; color: CanvasText; }
  .primary { border: 2px solid; }
}
`

/**
 * The colors of the providers' glyphs, as rules: the page's policy does not allow `style`
 * attributes.
 */
export function brandRules(colors: readonly (string | undefined)[]): Html[] {
  return colors.flatMap((color, index) => {
    const hex = color === undefined ? undefined : sixDigits(color)
    if (hex === undefined) return []
    return html`.brand-${index} { background: #${hex}; color: ${isWhiteReadableOn(hex) ? '#fff' : '#000'}; }\n`
  })
}

function sixDigits(color: string): string | undefined {
  const hex = /^#?([0-9a-f]{6}|[0-9a-f]{3})$/i.exec(color)?.[1]
  return hex?.length === 3 ? hex.replace(/./g, (digit) => digit + digit) : hex
}

/**
 * Whether white text on the color has the contrast ratio that WCAG 2.2 requires of normal text
 * (1.4.3): 4.5.
 */
function isWhiteReadableOn(hex: string): boolean {
  const [red = 0, green = 0, blue = 0] = [0, 2, 4].map((at) => {
    const channel = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4
  })
  return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05) >= 4.5
}
