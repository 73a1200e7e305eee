/** A color as its channels in sRGB, from 0 to 1. */
type Rgb = readonly [red: number, green: number, blue: number]

const BLACK: Rgb = [0, 0, 0]
const WHITE: Rgb = [1, 1, 1]
/** Contrast of normal text, and of parts of controls. (WCAG 2.2, 1.4.3 and 1.4.11) */
const TEXT_CONTRAST = 4.5
const CONTROL_CONTRAST = 3
/** The share of black or white that each step of an adjustment mixes in. */
const STEP = 0.04
const HOVER_SHARE = 0.14

/** What the pages show in front of: the card, and the ground around it. See `style.ts`. */
const SURFACES: Readonly<Record<'light' | 'dark', readonly string[]>> = {
  light: ['#ffffff', '#f5f6f8'],
  dark: ['#17191d', '#0d0e11'],
}

/** `#rgb` or `#rrggbb`, with or without `#`, as `#rrggbb`; `undefined` for anything else. */
export function sixDigits(color: string): string | undefined {
  const hex = /^#?([0-9a-f]{6}|[0-9a-f]{3})$/i.exec(color)?.[1]?.toLowerCase()
  if (hex === undefined) return undefined
  return `#${hex.length === 3 ? hex.replace(/./g, (digit) => digit + digit) : hex}`
}

/** White or black, whichever is legible on the color. One of them always is. */
export function readableOn(color: string): '#fff' | '#000' {
  return contrast(parse(color), WHITE) >= TEXT_CONTRAST ? '#fff' : '#000'
}

/** The colors of actions and links that follow from the option `accentColor`. */
export interface AccentColors {
  /** Background of the primary button, and its text. */
  readonly action: string
  readonly onAction: string
  readonly actionHover: string
  /** Visible where the background of the button is not. */
  readonly actionLine: string
  /** The accent color with the contrast of text on the page. */
  readonly link: string
}

/** Adjusts the accent color to the light or dark page. */
export function accentColors(accent: string, scheme: 'light' | 'dark'): AccentColors {
  const color = parse(accent)
  const surfaces = SURFACES[scheme].map(parse)
  const onAction = readableOn(accent)
  const away = onAction === '#fff' ? BLACK : WHITE
  const toward = scheme === 'light' ? BLACK : WHITE
  return {
    action: accent,
    onAction,
    actionHover: format(mix(color, away, HOVER_SHARE)),
    actionLine: format(adjust(color, toward, surfaces, CONTROL_CONTRAST)),
    link: format(adjust(color, toward, surfaces, TEXT_CONTRAST)),
  }
}

/** The color, mixed with black or white until it has the contrast on every surface. */
function adjust(color: Rgb, toward: Rgb, surfaces: readonly Rgb[], minimum: number): Rgb {
  const isEnough = (candidate: Rgb) =>
    surfaces.every((surface) => contrast(candidate, surface) >= minimum)
  for (let share = 0; share < 1; share += STEP) {
    // Rounded as in the style sheet.
    const candidate = parse(format(mix(color, toward, share)))
    if (isEnough(candidate)) return candidate
  }
  return toward
}

function mix(from: Rgb, to: Rgb, share: number): Rgb {
  const at = (index: 0 | 1 | 2) => from[index] + (to[index] - from[index]) * share
  return [at(0), at(1), at(2)]
}

/** https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio */
function contrast(one: Rgb, other: Rgb): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a)
  return (light + 0.05) / (dark + 0.05)
}

/** https://www.w3.org/TR/WCAG22/#dfn-relative-luminance */
function luminance([red, green, blue]: Rgb): number {
  const linear = (channel: number) =>
    channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

function parse(hex: string): Rgb {
  const at = (index: number) => Number.parseInt(hex.slice(index, index + 2), 16) / 255
  return [at(1), at(3), at(5)]
}

function format(color: Rgb): string {
  const digits = color.map((channel) =>
    Math.round(channel * 255)
      .toString(16)
      .padStart(2, '0'),
  )
  return `#${digits.join('')}`
}
