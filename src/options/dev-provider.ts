import type { Provider } from '../access/provider.js'
import { isLoopback } from '../http/origin.js'
import type { ProviderDefaults } from '../providers/build-provider.js'
import { isProviderSetup, type ProviderSetup } from '../providers/define-provider.js'
import { oidcProvider, type OidcOptions } from '../providers/oidc.js'
import { parseProviders } from '../providers/parse-provider.js'
import { asStrings } from '../oauth/claims.js'
import type { Mistakes } from '../schema/field.js'
import { isPlainObject } from '../schema/read-fields.js'

/** The development provider that the gate starts. */
export interface DevProviderConfig {
  readonly port: number
  readonly clientSecret: string
  /** Whether only hosts on loopback may use it. */
  readonly isLoopbackOnly: boolean
}

/** Options of the provider `dev`: the port, and the rules. */
export type DevOptions = Partial<Omit<OidcOptions, 'issuer' | 'clientId' | 'clientSecret'>> & {
  /** The port on 127.0.0.1. Default 4800. */
  port?: number | undefined
}

const DEFAULT_PORT = 4800
const CLIENT_SECRET = 'the client secret is not secret'.replaceAll(' ', '-')

/** The option `provider` with the development provider in place of `dev`. */
function withDevProvider(
  given: unknown,
  baseUrl: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  mistakes: Mistakes,
): { readonly provider: unknown; readonly devProvider: DevProviderConfig | undefined } {
  const map = env['OAUTH_MODULE_DEV'] === '1' || given === 'dev' ? { dev: {} } : given
  const options = isPlainObject(map) ? map['dev'] : undefined
  if (!isPlainObject(map) || !isPlainObject(options) || isProviderSetup(options))
    return { provider: map, devProvider: undefined }
  const { port = DEFAULT_PORT, ...others } = options
  const at = mistakes.at('dev')
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535) {
    at.at('port').add('must be an integer from 1 to 65535')
    return { provider: map, devProvider: undefined }
  }
  const isDevelopment = ['development', 'test'].includes(env['NODE_ENV'] ?? '')
  if (!isDevelopment && baseUrl !== undefined && !isLoopback(new URL(baseUrl).hostname))
    at.add(DEVELOPMENT_ONLY)
  return {
    provider: { ...map, dev: devSetup(port, others) },
    devProvider: { port, clientSecret: CLIENT_SECRET, isLoopbackOnly: !isDevelopment },
  }
}

/** Parses the option `provider`, with the development provider in place of `dev`. */
export function parseWithDevProvider(
  given: unknown,
  baseUrl: string | undefined,
  defaults: ProviderDefaults,
  mistakes: Mistakes,
): {
  readonly providers: readonly Provider[]
  readonly devProvider: DevProviderConfig | undefined
} {
  const { provider, devProvider } = withDevProvider(given, baseUrl, defaults.env, mistakes)
  const providers = mistakes.hasAny() ? [] : parseProviders(provider, defaults, mistakes)
  return { providers, devProvider }
}

/** Where the development provider may be used: it signs in anyone without a password. */
export const DEVELOPMENT_ONLY =
  'is the development provider, which is for NODE_ENV development or test, or a public host on loopback'

/** Its personas have groups, which count as organizations and teams as well. */
function devSetup(port: number, options: object): ProviderSetup {
  const setup = oidcProvider({
    displayName: 'the development provider',
    ...options,
    issuer: `http://127.0.0.1:${port}`,
    clientId: 'dev-client',
    clientSecret: CLIENT_SECRET,
  })
  return {
    ...setup,
    parse(mistakes, elsewhere) {
      const { values, definition } = setup.parse(mistakes, elsewhere)
      return {
        values,
        definition: definition && {
          ...definition,
          membershipLists: ['organizations', 'teams', 'groups'],
          async memberships(_api, _wanted, { claims }) {
            const groups = asStrings(claims?.['groups'])
            return { organizations: groups, teams: groups, groups }
          },
        },
      }
    },
  }
}
