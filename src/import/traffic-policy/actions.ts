/** Actions of a traffic policy that have nothing to do with the login, and what to do about them. */
const ACTIONS: Readonly<Record<string, string>> = {
  'add-headers':
    'is not part of a login gate: apps read ngrok-auth-user-id, -name and -email, and headerPrefix names them differently.',
  'ai-gateway': 'is not part of a login gate.',
  'basic-auth': 'has no counterpart: there are no passwords here.',
  'circuit-breaker': 'is not part of a login gate: keep it in a proxy before it.',
  'close-connection': 'is not part of a login gate: keep it in a proxy before it.',
  'compress-response': 'is not part of a login gate: compress in the app or in a proxy before it.',
  'forward-internal':
    'is not needed here: set target to the address of the app that requests go to.',
  'http-request': 'is not part of a login gate: request it from the app.',
  'jwt-validation': 'has no counterpart here yet: validate tokens of machines in the app.',
  log: 'is not needed here: listen to the events, which are also on diagnostics_channel.',
  'owasp-crs-request': 'is not part of a login gate: keep a firewall before it.',
  'owasp-crs-response': 'is not part of a login gate: keep a firewall before it.',
  'rate-limit': 'is not part of a login gate: limit in the app or in a proxy before it.',
  redirect: 'is not part of a login gate: redirect in the app or in a proxy before it.',
  'remove-headers':
    'is not part of a login gate, which removes only identity headers that clients send.',
  'restrict-ips': 'is not part of a login gate: restrict addresses in a firewall or proxy.',
  saml: 'has no counterpart: use an OpenID Connect application of the same provider.',
  'saml-auth': 'has no counterpart: use an OpenID Connect application of the same provider.',
  'terminate-tls': 'is not part of a login gate: terminate TLS in a proxy before it.',
  'url-rewrite': 'is not part of a login gate: rewrite in the app or in a proxy before it.',
  'verify-webhook': 'is not part of a login gate: verify it in the app.',
}

/** Actions after which a request reaches the same app with the same rights. */
const HARMLESS: ReadonlySet<string> = new Set([
  'add-headers',
  'compress-response',
  'forward-internal',
  'http-request',
  'log',
  'remove-headers',
])

/** Whether an action may be what protects a path without a login. */
export function mayProtect(type: string): boolean {
  return !HARMLESS.has(type)
}

/** Why an action is not converted. */
export function reasonAgainst(type: string): string {
  const action = Object.hasOwn(ACTIONS, type) ? ACTIONS[type] : undefined
  return action ?? 'is an action that this importer does not convert: configure it by hand.'
}
