/** The look of the built-in pages: the option `branding`. */
export interface BrandingOption {
  /** Name of the app: "Sign in to Acme". At most 64 characters. Default: none. */
  appName?: string | undefined
  /**
   * The logo on every page: an https URL, a path that the app serves before the gate, or a `data:`
   * image. Default: `appName`.
   */
  logoUrl?: string | undefined
  /** The logo in dark mode, with `logoUrl`. Default: `logoUrl`. */
  darkLogoUrl?: string | undefined
  /**
   * Color of buttons and links, as `#rrggbb`. Text on it is black or white, and links are adjusted
   * to have enough contrast. Default: black, in dark mode white.
   */
  accentColor?: string | undefined
  /** Where users get help: an https URL or `mailto:`, linked on every page. Default: none. */
  supportUrl?: string | undefined
}

/** The validated option. */
export type Branding = Readonly<BrandingOption>

/** The URLs of the logos. */
export function logosOf({ logoUrl, darkLogoUrl }: Branding): string[] {
  return [logoUrl, darkLogoUrl].filter((url) => url !== undefined)
}
