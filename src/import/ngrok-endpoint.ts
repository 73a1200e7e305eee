import type { ImportDraft } from './draft.js'
import { convert, different, type Handler, type HandlerTable, ignored, nested } from './read.js'

/** The app that an agent forwards to. */
const target: Handler = ({ name, value, draft }) => {
  const address = typeof value === 'number' ? String(value) : value
  if (typeof address !== 'string') return draft.mistake(name, 'must be a port or an address')
  draft.command('target', address.trim().replace(/\/$/, ''))
}

const publicAddress = different(
  'is the public address at ngrok, which ends: set baseUrl to the new one.',
)

/** What stands next to a module or policy: in a request of the API, or in a file of an agent. */
const table: HandlerTable = {
  edge_id: ignored,
  id: ignored,
  name: ignored,
  description: ignored,
  metadata: ignored,
  addr: target,
  upstream: nested((upstream, { name, draft }) =>
    convert(upstream, { url: target }, draft, `${name}.`),
  ),
  proto: ({ name, value, draft }) => {
    if (value !== 'http' && value !== 'https')
      draft.cannot(name, 'is not http: a login needs a browser.')
  },
  url: publicAddress,
  domain: publicAddress,
  hostname: publicAddress,
  subdomain: publicAddress,
}

/**
 * The value of the first of these members that is set, after the members next to it were converted;
 * the object itself if none is.
 */
export function unwrapped(
  source: Readonly<Record<string, unknown>>,
  wrappers: readonly string[],
  draft: ImportDraft,
): unknown {
  const wrapper = wrappers.find((name) => source[name] !== undefined && source[name] !== null)
  if (wrapper === undefined) return source
  const others = Object.entries(source).filter(([name]) => name !== wrapper)
  convert(Object.fromEntries(others), table, draft)
  return source[wrapper]
}
