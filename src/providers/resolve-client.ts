import type { Provider } from '../access/provider.js'
import { readPrivateKey } from '../oauth/client-auth.js'
import type { ProviderDefinition } from '../oauth/definition.js'
import type { Mistakes } from '../schema/field.js'
import type { ProviderSetup } from './define-provider.js'
import type { CommonValues } from './common-fields.js'

type Client = Pick<
  Provider,
  'clientId' | 'clientSecret' | 'clientAuth' | 'hasFixedClientAuth' | 'isManaged'
>

type Env = Readonly<Record<string, string | undefined>>

const UNSET = 'is missing or undefined: is the environment variable that it is read from set?'

/** Whether the client is a managed application: the options have neither of its keys. */
export function isManagedClient({ options }: ProviderSetup): boolean {
  return !Object.hasOwn(options, 'clientId') && !Object.hasOwn(options, 'clientSecret')
}

/**
 * The client from the options, or, without both keys, the managed application of the environment.
 */
export function resolveClient(
  name: string,
  setup: ProviderSetup,
  values: CommonValues,
  env: Env,
  definition: ProviderDefinition | undefined,
  mistakes: Mistakes,
): Client | undefined {
  const clientAuth = values.clientAuth ?? definition?.clientAuth
  const hasFixedClientAuth = definition?.clientAuth !== undefined
  if (hasFixedClientAuth && clientAuth !== definition.clientAuth)
    mistakes
      .at('clientAuth')
      .add(`is fixed by this provider: it supports only '${definition.clientAuth}'`)
  const isManaged = isManagedClient(setup)
  const variable = `OAUTH_MODULE_${name.toUpperCase().replaceAll('-', '_')}_CLIENT_`
  const { clientId, clientSecret } = isManaged ? managedClient(variable, env) : values
  if (clientId === undefined && !mistakes.has('clientId'))
    mistakes
      .at('clientId')
      .add(isManaged ? `is missing: set it, or set ${variable}ID in the environment` : UNSET)
  // Without a managed ID, the message about it is enough.
  if (isManaged && clientId === undefined) return undefined
  const missing = isManaged
    ? `is missing: set ${variable}SECRET in the environment`
    : `${UNSET} (A public client has clientAuth: 'none'.)`
  const fix = checkSecret(clientSecret, clientAuth, missing)
  if (fix !== undefined && !mistakes.has('clientSecret', 'clientAuth'))
    mistakes.at('clientSecret').add(fix)
  if (clientId === undefined || fix !== undefined) return undefined
  return { clientId, clientSecret, clientAuth, hasFixedClientAuth, isManaged }
}

/** An empty variable counts as unset. */
function managedClient(
  variable: string,
  env: Env,
): Pick<Client, 'clientSecret'> & { clientId: string | undefined } {
  return {
    clientId: env[`${variable}ID`] || undefined,
    clientSecret: env[`${variable}SECRET`] || undefined,
  }
}

function checkSecret(
  clientSecret: string | undefined,
  clientAuth: Client['clientAuth'],
  missing: string,
): string | undefined {
  if (clientAuth === 'none')
    return clientSecret === undefined ? undefined : "must be left out with clientAuth: 'none'"
  if (clientSecret === undefined) return missing
  return clientAuth === 'private_key_jwt' && readPrivateKey(clientSecret) === undefined
    ? "must be a private key with clientAuth: 'private_key_jwt': PEM (PKCS #8) or a JWK as JSON"
    : undefined
}
