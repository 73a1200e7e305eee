// Which file of dist contains which code of src. Parsing is most of what importing the package takes, so what most apps do
// not need at the start is in separate files, which are loaded when something in them is used.

/** The public entry points. */
export const entries = {
  index: 'src/index.ts',
  admin: 'src/admin/index.ts',
  import: 'src/import/index.ts',
  redis: 'src/session/stores/redis/index.ts',
  testing: 'src/testing/index.ts',
}

/** Modules that are loaded on first use, together with all code that only they need. */
export const lazy = {
  // oauthModule()
  gate: ['src/middleware/instance.ts'],
  // the option `bearer`
  'access-tokens': [
    'src/bearer/issuer-client.ts',
    'src/bearer/token-sources.ts',
    'src/bearer/tokens.ts',
    'src/middleware/bearer-challenge.ts',
    'src/middleware/guard-token.ts',
    'src/middleware/open-token.ts',
    'src/middleware/resource-metadata.ts',
    'src/middleware/token-requests.ts',
    'src/middleware/token-visitor.ts',
  ],
  // the option `deviceBound`
  'device-binding': [
    'src/binding/bound-cookies.ts',
    'src/binding/challenges.ts',
    'src/binding/device-binding.ts',
    'src/binding/identifiers.ts',
    'src/binding/offers.ts',
  ],
  // the option `signals`
  signals: [
    'src/middleware/signal-receivers.ts',
    'src/middleware/signal-reports.ts',
    'src/session/requested-checks.ts',
    'src/signals/admission.ts',
    'src/signals/inbox.ts',
    'src/signals/poller.ts',
    'src/signals/push-endpoint.ts',
    'src/signals/set-receiver.ts',
    'src/signals/signal-actions.ts',
    'src/signals/signalled-sessions.ts',
    'src/signals/stream-verification.ts',
    'src/signals/streams.ts',
    'src/signals/transmitter.ts',
    'src/signals/webhook-endpoint.ts',
  ],
  // the option `configVersion`
  configuration: [
    'src/middleware/configuration/config-changes.ts',
    'src/middleware/configuration/config-follower.ts',
    'src/middleware/configuration/config-reader.ts',
    'src/options/apply-change.ts',
    'src/options/stored-change.ts',
  ],
  // the first callback, re-check or refresh
  tokens: [
    'src/flows/redeem-code.ts',
    'src/flows/reread-user.ts',
    'src/oauth/jwt.ts',
    'src/oauth/redemption.ts',
    'src/oauth/signing-keys.ts',
    'src/oauth/token-request.ts',
    'src/oauth/token-response.ts',
    'src/oauth/user-api.ts',
  ],
  'user-agent': ['src/http/user-agent.ts'],
  // /auth/client.js
  'client-code': ['src/middleware/client-code.ts'],
}

/**
 * `core` contains what `index` and the entry points that do not need a gate share, and is loaded first, then `gate`, then
 * all others.
 */
const rankOf = (group) => ['core', 'gate'].indexOf(group) + 1 || 3

/** Whether a file can rely on another one that has been loaded before. */
export const loadsFirst = (group, other) => rankOf(group) < rankOf(other) || other in entries

/** The group of each module of a graph. */
export function assignGroups(graph) {
  const roots = new Map([
    ...Object.entries(entries).map(([name, file]) => [file, name === 'index' ? 'core' : name]),
    ...Object.entries(lazy).flatMap(([name, files]) => files.map((file) => [file, name])),
  ])
  const users = new Map()
  for (const [file, group] of roots) {
    if (!graph.has(file)) throw new Error(`${file} is not part of the package`)
    visit(file, group)
  }
  function visit(file, group) {
    const known = users.get(file) ?? new Set()
    if (known.has(group)) return
    users.set(file, known.add(group))
    for (const next of graph.get(file)) if (!roots.has(next)) visit(next, group)
  }
  return new Map([...users].map(([file, groups]) => [file, roots.get(file) ?? common([...groups])]))
}

/** Code of several groups is in one that they load anyway. */
function common(groups) {
  if (groups.length === 1) return groups[0]
  const needsNoGate = ['core', 'import', 'redis', 'testing']
  if (groups.some((group) => needsNoGate.includes(group))) return 'core'
  const inner = groups.filter((group) => !(group in entries))
  return inner.length === 1 ? inner[0] : 'gate'
}
