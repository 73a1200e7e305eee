import { cannot, type Conversion, differs } from './conversion.js'

/** A setting, its value for which there is nothing to report, and the sentence for others. */
type Note = readonly [name: string, silent: unknown, message: string]

const LOGS = 'has no counterpart: the command writes JSON lines, and an app has its own logger.'
const TLS = 'has no counterpart: the command speaks plain http, so terminate TLS before it.'
const JWT = 'has no counterpart here yet: requests with tokens are not let through.'
const HTPASSWD = 'has no counterpart: there are no passwords here. Create accounts at the provider.'
const METRICS = 'has no counterpart: count the events of the gate.'

const unsupported: readonly Note[] = [
  ['htpasswd_file', undefined, HTPASSWD],
  ['htpasswd_user_groups', undefined, HTPASSWD],
  ['skip_jwt_bearer_tokens', false, JWT],
  ['extra_jwt_issuers', undefined, JWT],
  ['trusted_ips', undefined, 'has no counterpart: no address passes without a login.'],
  [
    'whitelist_domains',
    undefined,
    'has no counterpart: a login returns only to the own origin. Apps on other hosts need a gate of their own.',
  ],
  ['signature_key', undefined, 'has no counterpart: requests to the app are not signed.'],
  [
    'provider_ca_files',
    undefined,
    'is not an option: set NODE_EXTRA_CA_CERTS to a file with the certificates when you start the process.',
  ],
  ['ssl_insecure_skip_verify', false, 'has no counterpart: add the CA to NODE_EXTRA_CA_CERTS.'],
  [
    'ssl_upstream_insecure_skip_verify',
    false,
    'has no counterpart: add the CA to NODE_EXTRA_CA_CERTS, or use an http target.',
  ],
  [
    'insecure_oidc_skip_issuer_verification',
    false,
    'has no counterpart: for Microsoft, use the provider microsoft, otherwise set endpoints.issuer.',
  ],
  ['oidc_extra_audiences', undefined, 'has no counterpart: the audience is the client ID.'],
  ['oidc_public_key_files', undefined, 'has no counterpart: set endpoints.jwks.'],
  ['pubjwk_url', undefined, 'has no counterpart: the provider must know the key of the client.'],
  ['resource', undefined, 'has no counterpart for Microsoft: request a scope of the resource.'],
  [
    'custom_templates_dir',
    undefined,
    'has no counterpart here: use branding and texts, or pages in an app.',
  ],
  ['ping_user_agent', undefined, 'has no counterpart: probe the path health below basePath.'],
  ['gcp_healthchecks', false, 'has no counterpart: probe the path health below basePath.'],
  ['redis_ca_path', undefined, 'is not an option: set NODE_EXTRA_CA_CERTS to the file.'],
  ['redis_insecure_skip_tls_verify', false, 'has no counterpart: set NODE_EXTRA_CA_CERTS.'],
  ...[
    'redis_sentinel_password',
    'redis_sentinel_master_name',
    'redis_sentinel_connection_urls',
    'redis_cluster_connection_urls',
  ].map((name): Note => [
    name,
    undefined,
    'needs a client of your own: pass redisStore(client) in an app.',
  ]),
  ['pass_host_header', true, 'is always on: the app gets the host of the browser.'],
  ['proxy_websockets', true, 'is always on: reject WebSockets in the app.'],
  ['tls_cipher_suites', undefined, TLS],
  ['tls_min_version', undefined, TLS],
  ['metrics_address', undefined, METRICS],
  ['metrics_secure_address', undefined, METRICS],
  ['metrics_tls_cert_file', undefined, METRICS],
  ['metrics_tls_key_file', undefined, METRICS],
  ['alpha_config', undefined, 'is another file: import it, merged with this one.'],
  ['config', undefined, 'is another file: import it, merged with this one.'],
]

const CSRF = 'is not needed: each login has a cookie of its own, at most eight, for ten minutes.'
const PROBE = 'is the path health or ready below basePath.'
const GOOGLE = 'belongs to google_groups, which has no counterpart.'

const different: readonly Note[] = [
  [
    'api_routes',
    undefined,
    'is not needed: requests that are not navigations get 401 on every path.',
  ],
  [
    'cookie_httponly',
    true,
    'is always on: scripts never see the cookie, but can read session below basePath.',
  ],
  ['cookie_csrf_per_request', true, CSRF],
  ['cookie_csrf_per_request_limit', undefined, CSRF],
  ['cookie_csrf_expire', undefined, CSRF],
  ['cookie_csrf_samesite', undefined, CSRF],
  [
    'session_cookie_minimal',
    false,
    'has no counterpart: tokens are kept if a check or the app needs them.',
  ],
  ['insecure_oidc_skip_nonce', false, 'is always off: the nonce is verified.'],
  [
    'skip_claims_from_profile_url',
    false,
    'is always off: userinfo is read if the provider has it.',
  ],
  [
    'approval_prompt',
    'force',
    'is not sent: prompt has replaced it. See offlineAccess for refresh tokens.',
  ],
  ['use_system_trust_store', false, 'is always on: NODE_EXTRA_CA_CERTS adds to it.'],
  ['relative_redirect_url', false, 'has no counterpart: redirect URIs are absolute.'],
  ['encode_state', false, 'is always on.'],
  ['allow_query_semicolons', false, 'is always on: the query reaches the app unchanged.'],
  [
    'force_https',
    false,
    'is the task of the web server before the gate; with baseUrl, a login starts there.',
  ],
  ['bearer_token_login_fallback', undefined, 'has no effect without tokens.'],
  ['display_htpasswd_form', undefined, 'has no effect without passwords.'],
  [
    'show_debug_on_error',
    false,
    'has no counterpart: in development, pages show how to fix the setup.',
  ],
  ['ping_path', undefined, PROBE],
  ['ready_path', undefined, PROBE],
  ['redis_connection_idle_timeout', undefined, 'has no counterpart: the client reconnects.'],
  ['flush_interval', undefined, 'is not needed: responses are streamed.'],
  ['upstream_timeout', undefined, 'has no counterpart: the app ends its own requests.'],
  ['disable_keep_alives', false, 'has no counterpart: connections to the app are kept.'],
  ['https_address', undefined, 'has no effect without tls_cert_file, as there.'],
  ['github_token', undefined, 'belongs to github_repo, which has no counterpart.'],
  ['google_admin_email', undefined, GOOGLE],
  ['google_service_account_json', undefined, GOOGLE],
  ['google_use_application_default_credentials', undefined, GOOGLE],
  ['google_target_principal', undefined, GOOGLE],
  ['google_admin_api_user_scope', undefined, GOOGLE],
  [
    'google_use_organization_id',
    undefined,
    'has no counterpart: user.id is the ID of the account.',
  ],
  ...['auth_logging', 'standard_logging', 'request_logging', 'logging_local_time'].map(
    (name): Note => [name, true, LOGS],
  ),
  ...['logging_compress', 'silence_ping_logging', 'errors_to_info_log'].map((name): Note => [
    name,
    false,
    LOGS,
  ]),
  ...'auth_logging_format standard_logging_format request_logging_format exclude_logging_paths logging_filename logging_max_age logging_max_backups logging_max_size request_id_header'
    .split(' ')
    .map((name): Note => [name, undefined, LOGS]),
]

/** Reports the settings that have no counterpart. */
export function reportNotes(conversion: Conversion): void {
  const { settings } = conversion
  for (const [notes, report] of [
    [unsupported, cannot],
    [different, differs],
  ] as const)
    for (const [name, silent, message] of notes)
      if (settings.has(name) && settings.value(name) !== silent) report(conversion, name, message)
  if (!settings.flag('skip_provider_button'))
    differs(
      conversion,
      'skip_provider_button',
      'is always on with one provider: the login starts without a page with a button.',
    )
  const audience = settings.texts('oidc_audience_claims')
  if (audience.some((claim) => claim !== 'aud'))
    cannot(conversion, 'oidc_audience_claims', 'has no counterpart: the audience is the claim aud.')
}
