import type { LRUCache } from 'lru-cache'
import { createCache } from './create-cache.js'

/** What remains of a user agent when versions, devices and languages are left out. */
export interface UserAgentFamily {
  /** Browser and platform, as in `chrome windows`. */
  readonly name: string
  /** Whether it is a phone or a tablet, which changes networks all the time. */
  readonly isMobile: boolean
}

/** The first match counts: most browsers name others as well. */
const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/\b(?:Edg|EdgA|EdgiOS|Edge)\//, 'edge'],
  // The mode of Edge for old pages.
  [/\bTrident\//, 'edge'],
  [/\b(?:OPR|OPT|Opera)[/ ]/, 'opera'],
  [/\bSamsungBrowser\//, 'samsung'],
  [/\bYaBrowser\//, 'yandex'],
  [/\b(?:FxiOS|Firefox)\//, 'firefox'],
  [/\bHeadlessChrome\//, 'headless'],
  [/\b(?:CriOS|Chrome|Chromium)\//, 'chrome'],
  // Web apps on the home screen name neither Safari nor a version.
  [/\bAppleWebKit\//, 'safari'],
]

/**
 * What loads media and downloads for the browsers of a platform, with their cookies and a user
 * agent of its own.
 */
const COMPANIONS: readonly (readonly [RegExp, string])[] = [
  [/^AppleCoreMedia\//, '* apple'],
  // Icons of pages.
  [/\bCFNetwork\/[\d.]+ Darwin\//, '* apple'],
  [/^(?:stagefright|AndroidDownloadManager)\//, '* android'],
]

/**
 * "Desktop site" has an iPad send the platform of a Mac, and an Android device that of Linux. So
 * these are one platform each; ChromeOS runs Android apps.
 */
const PLATFORMS: readonly (readonly [RegExp, string])[] = [
  [/\bWindows\b/, 'windows'],
  [/\b(?:iPhone|iPad|iPod|Macintosh)\b/, 'apple'],
  [/\b(?:Android|CrOS|Linux|X11)\b/, 'android'],
]

const MOBILE = /\b(?:Android|iPhone|iPad|iPod|Mobile)\b/

const MAX_FAMILIES = 1000
/** Longer values are no user agents of browsers. */
const MAX_LENGTH = 512

/** Families of user agents. Many users have the same one, so it remembers the latest. */
export class UserAgentFamilies {
  readonly #families: LRUCache<string, UserAgentFamily> = createCache({ max: MAX_FAMILIES })

  /** The family of a `User-Agent` header. Clients other than browsers are named by their product. */
  of(userAgent = ''): UserAgentFamily {
    const text = userAgent.slice(0, MAX_LENGTH)
    const known = this.#families.get(text)
    if (known !== undefined) return known
    const family = { name: nameOf(text), isMobile: MOBILE.test(text) }
    this.#families.set(text, family)
    return family
  }
}

/** Whether two families can be the same browser. */
export function isSameFamily(a: string, b: string): boolean {
  if (a === b) return true
  const [browserA, platformA] = a.split(' ')
  const [browserB, platformB] = b.split(' ')
  return platformA === platformB && (browserA === '*' || browserB === '*')
}

function nameOf(text: string): string {
  const companion = firstOf(COMPANIONS, text)
  if (companion !== undefined) return companion
  const browser = firstOf(BROWSERS, text) ?? productOf(text)
  return `${browser} ${firstOf(PLATFORMS, text) ?? 'other'}`
}

/** The product of a client such as curl, without its version. (RFC 9110, 10.1.5) */
function productOf(text: string): string {
  return /^[\w.-]{1,32}/.exec(text)?.[0].toLowerCase() ?? 'none'
}

function firstOf(rules: readonly (readonly [RegExp, string])[], text: string): string | undefined {
  return rules.find(([pattern]) => pattern.test(text))?.[1]
}
