import { isObject } from '../http/json.js'
import { reservedParams } from '../providers/request-params.js'
import type { ImportDraft } from './draft.js'
import {
  different,
  flag,
  type HandlerTable,
  nested,
  text,
  textRecord,
  unsupported,
} from './read.js'

/** The members of `options` of a connection. */
export function optionTable(provider: string, type: string): HandlerTable {
  const set = (option: string) =>
    text((value, { draft }) => draft.provider(provider, { [option]: value }))
  const endpoint = (name: string, option: string) =>
    type === 'oidc'
      ? text((value, { draft }) =>
          draft.provider(provider, {
            endpoints: {
              ...(draft.providerOptions(provider)['endpoints'] as object | undefined),
              [name]: value,
            },
          }),
        )
      : set(option)
  return {
    ...sharedTable(provider, type),
    client_id: set('clientId'),
    client_secret: set('clientSecret'),
    icon_url: set('iconUrl'),
    authorizationURL: endpoint('authorization', 'authorizationUrl'),
    authorization_endpoint: endpoint('authorization', 'authorizationUrl'),
    tokenURL: endpoint('token', 'tokenUrl'),
    token_endpoint: endpoint('token', 'tokenUrl'),
    userinfo_endpoint: endpoint('userinfo', 'userinfoUrl'),
    jwks_uri: endpoint('jwks', 'jwksUrl'),
    issuer: set('issuer'),
    pkce_enabled: flag((enabled, { draft }) => {
      if (!enabled && type === 'oauth2') draft.provider(provider, { pkce: false })
    }),
    useOauthSpecScope: flag((isSpace, { draft }) => {
      if (isSpace && type === 'oauth2') draft.provider(provider, { connectionScopeSeparator: ' ' })
    }),
  }
}

function sharedTable(provider: string, type: string): HandlerTable {
  return {
    scope: ({ name, value, draft }) => {
      const scopes = [value].flat().flatMap((part) => String(part).split(/[\s,]+/))
      if (typeof value !== 'string' && !Array.isArray(value))
        return draft.mistake(name, 'must be a string or an array of strings')
      const wanted = [...new Set(scopes)].filter((scope) => scope !== '')
      if (wanted.length > 0)
        draft.provider(provider, { [type === 'oidc' ? 'defaultScopes' : 'scopes']: wanted })
    },
    scripts: unsupported(
      'is code, which options as JSON cannot contain: pass fetchUserProfile to oauth2Provider() in an app, or set userinfoUrl if the endpoint returns sub, id or user_id.',
    ),
    authParams: textRecord((params, { name, draft }) =>
      addParams({ provider, option: 'authorizationParams', params, name, draft }),
    ),
    authParamsMap: textRecord((params, { name, draft }) =>
      addParams({ provider, option: 'authorizationParamsMap', params, name, draft }),
    ),
    upstream_params: nested((params, { name, draft }) =>
      addUpstreamParams({ provider, params, name, draft }),
    ),
    customHeaders: textRecord((tokenHeaders, { draft }) =>
      draft.provider(provider, { tokenHeaders }),
    ),
    set_user_root_attributes: different(
      'has no counterpart: the user is read at every login and at every check.',
    ),
    non_persistent_attrs: different('has no counterpart: only the session keeps the user.'),
    type: ({ name, value, draft }) => {
      if (value !== 'back_channel')
        draft.differs(name, 'is the code flow here: the implicit flow does not exist.')
    },
    discovery_url: ({ name, value, draft }) => {
      const issuer =
        typeof value === 'string' && value.replace(/\/\.well-known\/openid-configuration$/, '')
      if (issuer === false) return draft.mistake(name, 'must be a string')
      if (draft.providerOptions(provider)['issuer'] === undefined)
        draft.provider(provider, { issuer })
    },
  }
}

interface Params<T> {
  readonly provider: string
  readonly params: Readonly<Record<string, T>>
  readonly name: string
  readonly draft: ImportDraft
}

function addParams({
  provider,
  option,
  params,
  name,
  draft,
}: Params<string> & { readonly option: string }): void {
  const allowed = Object.entries(params).filter(([param]) => !reservedParams.has(param))
  for (const param of Object.keys(params))
    if (reservedParams.has(param))
      draft.cannot(`${name}.${param}`, 'is a parameter of the protocol, which cannot be replaced.')
  if (allowed.length === 0) return
  const current = draft.providerOptions(provider)[option] as object | undefined
  draft.provider(provider, { [option]: { ...current, ...Object.fromEntries(allowed) } })
}

/** https://auth0.com/docs/authenticate/identity-providers/pass-parameters-to-idps */
function addUpstreamParams({ provider, params, name, draft }: Params<unknown>): void {
  for (const [param, how] of Object.entries(params)) {
    const path = `${name}.${param}`
    const { value, alias } = isObject(how) ? how : {}
    const [option, text] =
      typeof value === 'string' ? ['authorizationParams', value] : ['authorizationParamsMap', alias]
    if (typeof text !== 'string') draft.mistake(path, 'must be an object with value or alias')
    else addParams({ provider, option, params: { [param]: text }, name, draft })
  }
}
