import type { OAuthMiddleware, OAuthModuleOptions } from '../../src/index.js'
import {
  ADMIN_ACCESS,
  type AdminAccess,
  type ConfigurationAccess,
  type StoredModule,
  type StoredProvider,
} from '../../src/middleware/admin-access.js'
import type { VendorServer } from '../../src/dev/vendors/index.js'
import { type Gate, type GateSetup, startGate } from './gate.js'
import { providerOf } from './providers.js'

/** What the admin API uses of a gate. */
export function configurationOf(middleware: OAuthMiddleware): ConfigurationAccess {
  return (Reflect.get(middleware, ADMIN_ACCESS) as AdminAccess).configuration
}

/** A gate that follows its store. */
export async function followingGate(
  vendor: VendorServer,
  options: Partial<OAuthModuleOptions> = {},
  more: Record<string, unknown> = {},
  setup: GateSetup = {},
): Promise<Gate & { configuration: ConfigurationAccess }> {
  const gate = await startGate(
    { provider: providerOf(vendor, more), id: 'shared', configVersion: 1, ...options },
    setup,
  )
  return Object.assign(gate, { configuration: configurationOf(gate.middleware) })
}

/** The client of a vendor, as a change has it. */
export function clientOf(vendor: VendorServer): Pick<StoredProvider, 'clientId' | 'clientSecret'> {
  const { clientId, clientSecret } = vendor.options as { clientId: string; clientSecret: string }
  return { clientId, clientSecret }
}

/** A module whose only provider is GitHub. */
export function githubModule(
  vendor: VendorServer,
  rules: StoredProvider = {},
  more: Partial<StoredModule> = {},
): StoredModule {
  return {
    enabled: true,
    provider: { github: { ...clientOf(vendor), ...rules } },
    optionsPassthrough: false,
    inactivityTimeout: 0,
    maximumDuration: 0,
    authCheckInterval: 0,
    ...more,
  }
}

/** Rules that the vendor's first user meets, and rules that this user does not meet. */
export const allowed = { emailDomains: ['acme.example'] }
export const removed = { emailDomains: ['elsewhere.example'] }
export const by = { changedBy: 'a test' }
