import { UserEvaluator } from '../access/evaluate-user.js'
import { introspectionOf, providerOf } from '../bearer/entry.js'
import type { EntryRules } from '../bearer/entry-rules.js'
import type { BearerIssuerConfig } from '../bearer/fields.js'
import { IssuerClient, type IssuerClients } from '../bearer/issuer-client.js'
import { TokenSources } from '../bearer/token-sources.js'
import { Tokens } from '../bearer/tokens.js'
import type { Config } from '../options/config.js'
import type { BaseParts, SessionParts } from './compose-sessions.js'
import type { GateState } from './gate-state.js'
import { membershipsOf } from './guard-memberships.js'
import { introspectionsOf, issuerSettings } from './issuer-settings.js'
import { emitReportOnlyDenial } from './session-events.js'

/** The verification of access tokens. */
export type BearerParts = ReturnType<typeof composeBearer>

/** Creates the verification of access tokens; nothing without the option `bearer`. */
export function composeBearer(config: Config, state: GateState, parts: BaseParts & SessionParts) {
  const { bearer } = config
  if (bearer === undefined) {
    state.tokens.current = undefined
    return {
      tokens: undefined,
      tokenIssuers: [],
      tokenEvaluators: new Map<string, UserEvaluator>(),
    }
  }
  const entries = bearer.issuers.map((entry) => ({
    entry,
    client: clientOf(entry.issuer, config, state.issuerClients),
    rules: rulesOf(entry, config, state, parts),
  }))
  const clients = [...new Set(entries.map(({ client }) => client))]
  forgetOthers(state.issuerClients, clients)
  const sources = new TokenSources(
    clients.map((client) => ({
      client,
      entries: entries.filter((one) => one.client === client).map(({ rules }) => rules),
    })),
    config.clockToleranceMs / 1000,
    bearer.resource,
  )
  const tokens = new Tokens({
    sources,
    blockedUsers: parts.blockedUsers,
    authorize: config.authorize,
    clockToleranceMs: config.clockToleranceMs,
    timeoutMs: config.timeouts.providerMs,
  })
  state.tokens.current = tokens
  return {
    tokens,
    tokenIssuers: clients.map((client) => ({
      client,
      introspections: introspectionsOf(client.issuer, config),
    })),
    /** Those of the users whose provider is an issuer. */
    tokenEvaluators: new Map(
      entries.flatMap(({ entry, rules }) =>
        entry.provider === undefined ? [[entry.issuer, rules.evaluator] as const] : [],
      ),
    ),
  }
}

/** One client for all entries of an issuer. */
function clientOf(issuer: string, config: Config, clients: IssuerClients): IssuerClient {
  const settings = issuerSettings(issuer, config)
  const key = JSON.stringify(settings)
  const client = clients.get(key) ?? new IssuerClient(settings, config.logger)
  clients.set(key, client)
  return client
}

function forgetOthers(clients: IssuerClients, current: readonly IssuerClient[]): void {
  for (const [key, client] of clients) if (!current.includes(client)) clients.delete(key)
}

function rulesOf(
  entry: BearerIssuerConfig,
  config: Config,
  state: GateState,
  { background, events }: BaseParts,
): EntryRules {
  const { providers, rulesVersion, reportOnly } = config
  const provider = providers.find(({ name }) => name === entry.provider)
  const readsAll = providers.some(({ readsAllMemberships }) => readsAllMemberships)
  return {
    audience: entry.audience,
    trustsEmail: entry.trustEmail && provider?.emailClaimDecides !== true,
    introspection: introspectionOf(entry, provider),
    evaluator: new UserEvaluator({
      provider: providerOf(entry, provider, readsAll),
      // At every request: see Tokens.
      authorize: undefined,
      authorizeId: undefined,
      rulesVersion,
      reportOnly,
      guardMemberships: membershipsOf(state.guardMemberships),
      background,
      onReportOnlyDenial: (...denial) => emitReportOnlyDenial(events, ...denial),
    }),
  }
}
