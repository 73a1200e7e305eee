import type { ImportDraft } from '../draft.js'
import type { RuleSets } from '../rule-sets.js'
import type { Settings } from './settings.js'

/** Contents of files that settings name, by the name of the setting. */
export type OAuth2ProxyFiles = Readonly<
  Partial<Record<'authenticated_emails_file' | 'client_secret_file', string>>
>

/** What the steps of the conversion share. */
export interface Conversion {
  readonly settings: Settings
  readonly draft: ImportDraft
  readonly rules: RuleSets
  readonly files: OAuth2ProxyFiles
  /** Name of the provider in the options. */
  readonly provider: string
  /** Options of the provider that are not those of a vendor: `'oidc'` or `'oauth2'`. */
  readonly type: 'oidc' | 'oauth2' | undefined
}

/** Adds options of the provider. */
export function addToProvider(
  { draft, provider }: Conversion,
  options: Readonly<Record<string, unknown>>,
): void {
  draft.provider(provider, options)
}

/** Reports a setting that behaves differently, under the name that the configuration uses. */
export function differs({ settings, draft }: Conversion, name: string, message: string): void {
  draft.differs(settings.key(name), message)
}

/** Reports a setting that the options cannot express. */
export function cannot({ settings, draft }: Conversion, name: string, message: string): void {
  draft.cannot(settings.key(name), message)
}
