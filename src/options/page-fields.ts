import { isSafePath } from '../http/paths.js'
import type { BrandingOption } from '../pages/branding.js'
import { sixDigits } from '../pages/colors.js'
import type { PagesOption } from '../pages/contexts.js'
import type { Field } from '../schema/field.js'
import { func, object, string } from '../schema/types.js'

/** Every page contains the image. */
const MAX_DATA_URL = 64 * 1024
const LOGO_FIX =
  "must be an https URL, a path that the app serves before the gate, as in '/logo.svg', or a data: image"

/** An absolute URL without credentials, spelled out: the URL parser accepts much more. */
function isUrlOf(protocol: string, value: string): boolean {
  if (!URL.canParse(value) || !value.toLowerCase().startsWith(protocol)) return false
  const { username, password } = new URL(value)
  return !/[\s\\]/.test(value) && username === '' && password === ''
}

function checkLogo(value: string): string | undefined {
  if (/^data:/i.test(value))
    return /^data:image\/[a-z0-9.+-]+[;,][\x21-\x7e]+$/i.test(value)
      ? undefined
      : 'must be an image without whitespace: encode it as base64, or percent-encode it'
  if (value.length > 2048) return 'must have at most 2048 characters'
  return isSafePath(value) || isUrlOf('https://', value) ? undefined : LOGO_FIX
}

const logoField = string({ max: MAX_DATA_URL, check: checkLogo })

const brandingFields = {
  appName: string({ max: 64 }).describe('Name of the app.'),
  logoUrl: logoField.describe('Logo: an https URL, a path, or a data: image.'),
  darkLogoUrl: logoField.describe('Logo in dark mode.'),
  accentColor: string({
    check: (color) =>
      color.startsWith('#') && sixDigits(color) !== undefined
        ? undefined
        : "must be a color such as '#0a7cff'",
    normalize: (color) => sixDigits(color) ?? color,
  }).describe("Color of buttons and links, as in '#0a7cff'."),
  supportUrl: string({
    check: (value) =>
      isUrlOf('https://', value) || /^mailto:[^\s@<>"]+@[^\s@<>"]+$/i.test(value)
        ? undefined
        : "must be an https URL or a mailto: address, as in 'mailto:help@example.com'",
  }).describe('Where users get help: an https URL or a mailto: address.'),
} satisfies Record<keyof BrandingOption, Field>

/** The option `branding`. */
export const brandingField = object(brandingFields)

const pageFields = {
  signIn: func<NonNullable<PagesOption['signIn']>>().describe('The sign-in page.'),
  error: func<NonNullable<PagesOption['error']>>().describe('The error page.'),
  denied: func<NonNullable<PagesOption['denied']>>().describe(
    'The page of users who may not pass.',
  ),
  signedOut: func<NonNullable<PagesOption['signedOut']>>().describe('The page after logging out.'),
} satisfies Record<keyof PagesOption, Field>

/** The option `pages`. */
export const pagesField = object(pageFields)
