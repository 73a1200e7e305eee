import { isObject } from '../../http/json.js'
import type { ImportDraft } from '../draft.js'
import { convertInjected } from './alpha-headers.js'

type Source = Readonly<Record<string, unknown>>

/** Members of the alpha configuration, which are not settings themselves. */
const ALPHA = [
  'providers',
  'upstreamConfig',
  'upstreams',
  'injectRequestHeaders',
  'injectResponseHeaders',
  'server',
  'metricsServer',
] as const

/** Members of a provider, by their path, and the settings that they are. */
const provider: Readonly<Record<string, string>> = {
  provider: 'provider',
  name: 'provider_display_name',
  clientID: 'client_id',
  clientSecret: 'client_secret',
  clientSecretFile: 'client_secret_file',
  caFiles: 'provider_ca_files',
  useSystemTrustStore: 'use_system_trust_store',
  loginURL: 'login_url',
  redeemURL: 'redeem_url',
  profileURL: 'profile_url',
  validateURL: 'validate_url',
  authRequestResponseMode: 'auth_request_response_mode',
  skipClaimsFromProfileURL: 'skip_claims_from_profile_url',
  resource: 'resource',
  scope: 'scope',
  allowedGroups: 'allowed_groups',
  code_challenge_method: 'code_challenge_method',
  backendLogoutURL: 'backend_logout_url',
  'keycloakConfig.groups': 'keycloak_groups',
  'keycloakConfig.roles': 'allowed_roles',
  'azureConfig.tenant': 'azure_tenant',
  'azureConfig.graphGroupField': 'azure_graph_group_field',
  'microsoftEntraIDConfig.allowedTenants': 'entra_id_allowed_tenants',
  'microsoftEntraIDConfig.federatedTokenAuth': 'entra_id_federated_token_auth',
  'bitbucketConfig.team': 'bitbucket_team',
  'bitbucketConfig.repository': 'bitbucket_repository',
  'githubConfig.org': 'github_org',
  'githubConfig.team': 'github_team',
  'githubConfig.repo': 'github_repo',
  'githubConfig.token': 'github_token',
  'githubConfig.users': 'github_users',
  'gitlabConfig.group': 'gitlab_groups',
  'gitlabConfig.projects': 'gitlab_projects',
  'googleConfig.group': 'google_groups',
  'googleConfig.adminEmail': 'google_admin_email',
  'googleConfig.serviceAccountJson': 'google_service_account_json',
  'googleConfig.targetPrincipal': 'google_target_principal',
  'googleConfig.adminAPIUserScope': 'google_admin_api_user_scope',
  'oidcConfig.issuerURL': 'oidc_issuer_url',
  'oidcConfig.insecureAllowUnverifiedEmail': 'insecure_oidc_allow_unverified_email',
  'oidcConfig.insecureSkipIssuerVerification': 'insecure_oidc_skip_issuer_verification',
  'oidcConfig.insecureSkipNonce': 'insecure_oidc_skip_nonce',
  'oidcConfig.skipDiscovery': 'skip_oidc_discovery',
  'oidcConfig.jwksURL': 'oidc_jwks_url',
  'oidcConfig.publicKeyFiles': 'oidc_public_key_files',
  'oidcConfig.emailClaim': 'oidc_email_claim',
  'oidcConfig.groupsClaim': 'oidc_groups_claim',
  'oidcConfig.userIDClaim': 'user_id_claim',
  'oidcConfig.audienceClaims': 'oidc_audience_claims',
  'oidcConfig.extraAudiences': 'oidc_extra_audiences',
  'oidcConfig.enabledSigningAlgs': 'oidc_enabled_signing_algs',
  'loginGovConfig.jwtKey': 'jwt_key',
  'loginGovConfig.jwtKeyFile': 'jwt_key_file',
  'loginGovConfig.pubjwkURL': 'pubjwk_url',
}

/**
 * The settings of a configuration, in which members of the alpha configuration have become the
 * settings that they replace. Reports members that are none.
 */
export function withoutAlpha(source: Source, draft: ImportDraft): Source {
  // `upstreams` is also a setting.
  if (!ALPHA.some((name) => name !== 'upstreams' && source[name] !== undefined)) return source
  const settings: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(source))
    if (!ALPHA.some((one) => one === name)) add(settings, name, name, value, draft)
  addProvider(source['providers'], settings, draft)
  addServers(source, settings, draft)
  convertInjected(source, settings, draft)
  addUpstreams(source['upstreamConfig'] ?? source['upstreams'], settings, draft)
  return settings
}

function addProvider(value: unknown, settings: Record<string, unknown>, draft: ImportDraft): void {
  if (value === undefined) return
  const [first, ...more]: readonly unknown[] = Array.isArray(value) ? (value as unknown[]) : []
  if (!isObject(first)) return draft.mistake('providers', 'must be an array of objects')
  if (more.length > 0) draft.cannot('providers', 'lists several: oauth2-proxy uses only the first.')
  for (const [path, member] of flattened(first)) {
    const name = Object.hasOwn(provider, path) ? provider[path] : undefined
    if (path === 'id') continue
    if (name === undefined)
      draft.cannot(`providers[0].${path}`, 'is not converted: configure it by hand.')
    else add(settings, name, `providers[0].${path}`, member, draft)
  }
}

/** Leaves, and objects one level deep, by their path. */
function flattened(object: Source): readonly (readonly [path: string, value: unknown])[] {
  return Object.entries(object).flatMap(([name, value]) =>
    isObject(value)
      ? Object.entries(value).map(([inner, one]) => [`${name}.${inner}`, one] as const)
      : [[name, value] as const],
  )
}

/** Settings that restrict who may pass. */
const RULES =
  /^(?:allowed_|authenticated_emails|bitbucket_|email_domains|entra_id_allowed|github_|gitlab_|google_group|keycloak_)|tenant/

/** Adds a setting, unless it contains a variable, which oauth2-proxy replaces. */
function add(
  settings: Record<string, unknown>,
  name: string,
  path: string,
  value: unknown,
  draft: ImportDraft,
): void {
  const json = JSON.stringify(value) as string | undefined
  const hasVariable = json?.includes('${') ?? false
  // A rule that is left out would let everyone in; as it is, no user meets it.
  if (!hasVariable || RULES.test(name)) settings[name] = value
  if (hasVariable)
    draft.cannot(path, 'contains a variable of the environment: set the option to its value.')
}

function addServers(source: Source, settings: Record<string, unknown>, draft: ImportDraft): void {
  if (source['metricsServer'] !== undefined)
    draft.cannot('metricsServer', 'has no counterpart: count the events of the gate.')
  const server = source['server']
  if (server === undefined) return
  if (!isObject(server)) return draft.mistake('server', 'must be an object')
  for (const [name, value] of Object.entries(server))
    if (name === 'bindAddress') settings['http_address'] = value
    else
      draft.cannot(
        `server.${name}`,
        'has no counterpart: the command speaks plain http, so terminate TLS before it.',
      )
}

function addUpstreams(value: unknown, settings: Record<string, unknown>, draft: ImportDraft): void {
  if (value === undefined) return
  const list: unknown = isObject(value) ? value['upstreams'] : value
  if (!Array.isArray(list) || !list.every(isObject))
    return draft.mistake('upstreamConfig.upstreams', 'must be an array of objects')
  settings['upstreams'] = list.map((upstream, index) => {
    const { id: _, path, uri, static: isStatic, staticCode, ...more } = upstream
    const name = `upstreamConfig.upstreams[${index}]`
    for (const member of Object.keys(more))
      draft.cannot(`${name}.${member}`, 'is not converted: configure it by hand.')
    if (path !== undefined && path !== '/' && list.length === 1)
      draft.cannot(`${name}.path`, 'is not converted: target proxies all paths.')
    return isStatic === true ? `static://${Number(staticCode ?? 200)}` : uri
  })
}
