import type { Provider } from 'oidc-provider'
import { createAdapter, type State } from './oidc-configuration.js'
import type { Fault, LoggedRequest, OidcControl } from './oidc.js'

export interface Log {
  faults: Fault[]
  requests: LoggedRequest[]
  errors: string[]
}

/** What the tests can ask of the provider's process. */
export function createControl(provider: Provider, state: State, log: Log): OidcControl {
  const drop = (model: string, sub: string) => {
    for (const [key, { payload }] of state.store) {
      if (key.startsWith(`${model}:`) && payload.accountId === sub) state.store.delete(key)
    }
  }
  return {
    async setClient(metadata) {
      await createAdapter(state.store)('Client').upsert(metadata.client_id, { ...metadata }, 0)
      await provider.Client.find(metadata.client_id)
    },
    async loginAs(sub) {
      state.loginAs = sub ?? undefined
    },
    async deny(value) {
      state.isDenied = value
    },
    async setAccount(account) {
      state.accounts.set(account.sub, account)
    },
    async removeAccount(sub) {
      state.accounts.delete(sub)
    },
    async revokeTokens(sub) {
      for (const model of ['AccessToken', 'RefreshToken', 'AuthorizationCode', 'Grant'])
        drop(model, sub)
    },
    async endSessions(sub) {
      const told: { clientId: string; status: number }[] = []
      for (const [key, { payload }] of state.store) {
        if (!key.startsWith('Session:') || payload.accountId !== sub) continue
        for (const [clientId, authorization] of Object.entries(payload.authorizations ?? {})) {
          const client = await provider.Client.find(clientId)
          if (!client?.backchannelLogoutUri) continue
          state.backchannelStatus = 0
          // Missing in the published types.
          const tell = client['backchannelLogout'] as (sub: string, sid?: string) => Promise<void>
          await tell
            .call(client, sub, authorization.sid)
            .catch((error: unknown) => log.errors.push(String(error)))
          told.push({ clientId, status: state.backchannelStatus })
        }
      }
      drop('Session', sub)
      return told
    },
    async fault(fault) {
      log.faults.push(fault)
    },
    async clearFaults() {
      log.faults.length = 0
    },
    async takeRequests() {
      return log.requests.splice(0)
    },
    async takeErrors() {
      return log.errors.splice(0)
    },
  }
}
