// What `npm run mutation` removes: for each requirement a guard, as exact source text that occurs once, and what takes its
// place. The tests named after the requirement must fail without the guard.

/** A piece of source text, and its replacement. */
export interface Edit {
  readonly file: string
  readonly find: string
  readonly replace: string
}

/** What a mutation removes. */
export interface Mutation {
  readonly id: string
  /** The guard, in a few words. */
  readonly guard: string
  /** More than one where a second guard would hold. */
  readonly edits: readonly Edit[]
}

/** Requirements without a guard of ours that could be removed. */
export const WITHOUT_GUARD: Readonly<Record<string, string>> = {
  'S-081': 'Node keeps trailers apart from headers, and nothing of ours reads them',
}

export const mutations: readonly Mutation[] = [
  one('S-001', 'the code challenge is sent', 'src/flows/authorization-params.ts', {
    find: "...(pkce !== false && { code_challenge: codeChallenge, code_challenge_method: 'S256' }),",
    replace: '',
  }),
  one('S-002', 'the secret of a transaction is random', 'src/oauth/transaction.ts', {
    find: 'const secret = randomId()',
    replace: "const secret = 'A'.repeat(43)",
  }),
  one('S-003', 'the cookie must match the state', 'src/oauth/transaction.ts', {
    find: 'isId(value) && isSameHash(sha256(value), decrypted.cookieHash)',
    replace: 'isId(value)',
  }),
  one('S-004', 'the state names the instance', 'src/flows/known-response.ts', {
    find: 'decrypted.instance === mount.instanceId',
    replace: 'true',
  }),
  one('S-005', 'a used state is rejected', 'src/oauth/transaction.ts', {
    find: "if (this.isUsed(decrypted)) return { problem: 'used' }",
    replace: '',
  }),
  one('S-006', 'the return path is validated after decryption', 'src/oauth/transaction.ts', {
    find: 'if (!isTransaction(decrypted) || !isSafePath(decrypted.returnPath))',
    replace: 'if (!isTransaction(decrypted))',
  }),
  one('S-007', 'each login has its own cookie', 'src/oauth/transaction-cookie.ts', {
    find: 'nonce.${cookieHash.slice(0, 8)}`',
    replace: 'nonce.00000000`',
  }),
  one('S-008', 'old transaction cookies are deleted', 'src/oauth/transaction.ts', {
    find: 'clearOldest(res, cookieHeader, cookie)',
    replace: '',
  }),
  one('S-009', 'a login in progress is kept by the browser', 'src/flows/login.ts', {
    find: 'const transaction = transactions.start(',
    replace:
      "await this.#deps.sessions.create({ instance: '', client: '', user: { key: 'x' } } as never, {} as never, now)\n    const transaction = transactions.start(",
  }),
  one('S-010', 'forwarded headers need trust', 'src/http/origin.ts', {
    find: 'return value !== undefined && isProxyTrusted(req, app) ? value : undefined',
    replace: 'return value',
  }),
  one(
    'S-011',
    'the redirect URI is that of the authorization request',
    'src/flows/redeem-code.ts',
    {
      find: 'const { redirectUri, nonce, codeVerifier, reauthenticates, startedAt } = transaction',
      replace:
        "const { nonce, codeVerifier, reauthenticates, startedAt } = transaction\n  const redirectUri = transaction.redirectUri.replace(/\\/\\/[^/]*/, `//${req.headers.host ?? ''}`)",
    },
  ),
  one('S-012', 'parameters are sent once', 'src/oauth/authorization-url.ts', {
    find: 'new URLSearchParams({ ...fixed, ...params })',
    replace: 'new URLSearchParams([...Object.entries(fixed), ...Object.entries(params)])',
  }),
  one('S-013', 'an explicit login asks for a new one', 'src/flows/authorization-params.ts', {
    find: '{ login: reauthenticate, account: selectAccount, scopes: requestConsent }[ask] ?? {}',
    replace: '{ login: {}, account: selectAccount, scopes: requestConsent }[ask] ?? {}',
  }),
  one('S-014', 'a login that starts leaves the session alone', 'src/flows/login.ts', {
    find: 'redirect(res, await client.authorizationUrl(params, () => clientAddress(req)))',
    replace:
      "res.appendHeader('Set-Cookie', `${mount.sessionCookie.name}=; Path=/; Max-Age=0`)\n    redirect(res, await client.authorizationUrl(params, () => clientAddress(req)))",
  }),
  one('S-015', 'iss of the response is compared', 'src/flows/authorization-response.ts', {
    find: 'if (issuer !== undefined && (iss === null ? isRequired : iss !== issuer))',
    replace: 'if (false)',
  }),
  one('S-016', 'membership scopes only for rules', 'src/flows/authorization-params.ts', {
    find: '...(readsMemberships ? membershipScopes : []),',
    replace: '...membershipScopes,',
  }),
  one('S-017', 'repeated parameters are rejected', 'src/flows/authorization-response.ts', {
    find: 'if (repeated !== undefined)',
    replace: 'if (false)',
  }),
  one('S-018', 'a failed decryption is a result', 'src/http/encryption.ts', {
    find: '  } catch {\n    return undefined\n  }\n}\n\nfunction macOf',
    replace: '  } catch (error) {\n    throw error\n  }\n}\n\nfunction macOf',
  }),
  one('S-019', 'an error is never a login', 'src/flows/authorization-response.ts', {
    find: "if (params.has('error'))",
    replace: "if (params.has('error') && !params.has('code'))",
  }),
  one('S-020', 'only code is read', 'src/flows/authorization-response.ts', {
    find: "const code = params.get('code') ?? ''",
    replace: "const code = params.get('code') ?? params.get('access_token') ?? ''",
  }),
  one('S-021', 'the code is printable ASCII', 'src/flows/authorization-response.ts', {
    find: 'const CODE = /^[\\x20-\\x7e]+$/',
    replace: 'const CODE = /^[^]*$/',
  }),
  one('S-022', 'unknown paths below /auth are answered', 'src/middleware/routes.ts', {
    find: "if (route === undefined) throw new OAuthError('not_found')",
    replace: "if (route === undefined) return { action: 'pass' }",
  }),
  one('S-023', 'a stale callback keeps the session', 'src/flows/callback.ts', {
    find: "if (await this.#hasSession(request)) return { outcome: 'stale' }",
    replace: '',
  }),
  one('S-024', 'a login loop ends', 'src/flows/login-loop.ts', {
    find: 'if (previous.count < MAX_LOGINS) return',
    replace: 'return',
  }),
  one('S-025', 'HEAD redeems nothing', 'src/middleware/routes.ts', {
    find: "ignoresHead: true,\n    prefetchError: 'invalid_callback',",
    replace: "prefetchError: 'invalid_callback',",
  }),
  one('S-026', 'Referrer-Policy', 'src/http/response.ts', {
    find: "'Referrer-Policy': 'no-referrer',",
    replace: '',
  }),
  one('S-027', 'the write is awaited', 'src/session/stored-sessions.ts', {
    find: 'await Promise.resolve(written).catch((error: unknown) => {',
    replace: 'void Promise.resolve(written).catch((error: unknown) => {\n      if (error) return',
  }),
  one('S-028', 'the ID token is verified before a session exists', 'src/oauth/token-request.ts', {
    find: 'const claims = await verifiedClaims(request, idToken, tokens.accessToken)',
    replace:
      "const claims = await verifiedClaims(request, idToken, tokens.accessToken).catch(() => ({ sub: 'user-1' }))",
  }),
  one('S-029', 'a prefetch takes part in no login', 'src/middleware/routes.ts', {
    find: 'if (route.prefetchError !== undefined && isPrefetch(req))',
    replace: 'if (false)',
  }),
  one('S-030', 'other spellings of special paths', 'src/http/paths.ts', {
    find: 'return normalizePath(path).startsWith(`${basePath.toLowerCase()}/`)',
    replace: 'return false',
  }),
  one('S-031', 'originalUrl decides', 'src/http/paths.ts', {
    find: "const original = stripOrigin(originalUrl ?? req.url ?? '/')",
    replace: "const original = stripOrigin(req.url ?? '/')",
  }),
  one('S-032', 'SameSite=None for posted responses', 'src/oauth/transaction-cookie.ts', {
    find: "return { ...cookie, attributes: { ...cookie.attributes, sameSite: 'none', secure: true } }",
    replace: 'return cookie',
  }),
  one('S-033', 'the nonce is compared', 'src/oauth/id-token.ts', {
    find: '  checkNonce(claims, expected)\n',
    replace: '',
  }),
  one('S-034', 'the issuer of the discovery document', 'src/oauth/discovery.ts', {
    find: "if (typeof issuer === 'string' && isAccepted(issuer)) return issuer",
    replace: "if (typeof issuer === 'string') return issuer",
  }),
  one('S-035', 'sub of a refreshed ID token', 'src/flows/refresh-tokens.ts', {
    find: 'if (fresh.claims && subject !== undefined && subjectOf(fresh.claims) !== subject)',
    replace: 'if (false)',
  }),
  one('S-036', 'an ID token has iss', 'src/oauth/jwt-checks.ts', {
    find: "if (typeof iss !== 'string' || !acceptsIssuer(iss, claims))",
    replace: "if (typeof iss === 'string' && !acceptsIssuer(iss, claims))",
  }),
  one('S-037', 'the algorithm is on the list', 'src/oauth/jwt-checks.ts', {
    find: "if (typeof alg !== 'string' || !algorithms.includes(canonicalAlgorithm(alg)))",
    replace: "if (typeof alg !== 'string')",
  }),
  one('S-038', 'aud contains the client', 'src/oauth/jwt-checks.ts', {
    find: 'if (!audiences.some(isOurs))',
    replace: 'if (false)',
  }),
  one('S-039', 'exp is compared', 'src/oauth/jwt-checks.ts', {
    find: 'if (isTime(exp) && exp <= now - clockTolerance)',
    replace: 'if (isTime(exp) && false)',
  }),
  one('S-040', 'sub of userinfo', 'src/oauth/user-api.ts', {
    find: "if (grant.subject !== undefined && info['sub'] !== grant.subject)",
    replace: 'if (false)',
  }),
  one('S-041', 'keys are fetched again once per minute', 'src/oauth/cached-value.ts', {
    find: 'if (now - this.#refreshedAt < MIN_REFRESH_INTERVAL_MS && now >= this.#refreshedAt) return false',
    replace: '',
  }),
  one('S-042', 'waiting logins share one discovery', 'src/oauth/cached-value.ts', {
    find: 'this.#pending ??= this.#fetch(deadline)',
    replace: 'this.#pending = this.#fetch(deadline)',
  }),
  one('S-043', 'an error with status 200', 'src/oauth/token-request.ts', {
    find: 'if (!ok || !isObject(body) || hasError(body))',
    replace: 'if (!isObject(body))',
  }),
  one('S-044', 'Basic is form-encoded', 'src/oauth/client-auth.ts', {
    find: '`${formEncode(id)}:${formEncode(secret)}`',
    replace: '`${id}:${secret}`',
  }),
  one('S-045', 'a session belongs to provider, issuer and client', 'src/session/sessions.ts', {
    find: 'return client === this.#clientOf(user.provider)',
    replace: 'return client !== undefined || user !== undefined',
  }),
  one('S-046', 'return paths are checked', 'src/http/paths.ts', {
    find: 'if (path.length > MAX_PATH_LENGTH || !PATH.test(path)) return false',
    replace: 'return path.length <= MAX_PATH_LENGTH && PATH.source !== path',
  }),
  one('S-047', 'the host of an absolute-form target is dropped', 'src/http/paths.ts', {
    find: "if (target.startsWith('/')) return target\n",
    replace: "if (target !== '') return target\n",
  }),
  one('S-048', 'Location is sent unchanged', 'src/http/response.ts', {
    find: "writeHead(res, status, { Location: location, 'Content-Length': '0' })",
    replace: "writeHead(res, status, { Location: encodeURI(location), 'Content-Length': '0' })",
  }),
  one('S-049', 'only visible ASCII is redirected to', 'src/http/paths.ts', {
    find: 'const PATH = /^\\/(?:[\\x21-\\x2e\\x30-\\x5b\\x5d-\\x7e][\\x21-\\x7e]*)?$/',
    replace: 'const PATH = /^\\/(?:[^/\\\\][^]*)?$/',
  }),
  one('S-050', 'no return to a special path', 'src/flows/links.ts', {
    find: 'return this.#deps.specialPaths.includes(pathname, mount.publicPath) ? startPage : path',
    replace: "return pathname === '' ? startPage : path",
  }),
  one('S-051', 'no redirect parameters', 'src/flows/requested-login.ts', {
    find: '    returnPath: links.safeReturnPath(mount),\n',
    replace: "    returnPath: links.safeReturnPath(mount, query.get('returnTo') ?? undefined),\n",
  }),
  one('S-052', 'only safe methods are returned to', 'src/flows/links.ts', {
    find: "if (!isSafeMethod(req)) return { returnPath: this.refererPathOf(request), lost: 'form' }",
    replace: '',
  }),
  one('S-053', 'redirects are 302', 'src/http/response.ts', {
    find: 'location: string, status = 302): void {',
    replace: 'location: string, status = 307): void {',
  }),
  one('S-054', 'a login ends the previous session', 'src/flows/new-sessions.ts', {
    find: "if (replacedKey !== undefined) await sessions.destroy(replacedKey, 'replaced', req)",
    replace: '',
  }),
  one('S-055', 'a malformed id is not looked up', 'src/session/stored-sessions.ts', {
    find: 'readCookies(cookieHeader, mount.sessionCookie.name).filter(isId)',
    replace: 'readCookies(cookieHeader, mount.sessionCookie.name)',
  }),
  one('S-056', 'a new session has a new id', 'src/session/stored-sessions.ts', {
    find: 'const id = randomId()',
    replace: "const id = 'A'.repeat(43)",
  }),
  one('S-057', 'HttpOnly', 'src/http/cookies.ts', { find: 'httpOnly: true,', replace: '' }),
  one('S-058', '__Host- and __Secure-', 'src/http/mounts.ts', {
    find: "const prefix = secure ? (isHostOnly ? '__Host-' : '__Secure-') : ''",
    replace: "const prefix = isHostOnly ? '' : ''",
  }),
  one('S-059', 'a deletion has the attributes of the cookie', 'src/http/cookies.ts', {
    find: "cookieLine(name, '', attributes, { maxAge: 0",
    replace: "cookieLine(name, '', { ...attributes, secure: false }, { maxAge: 0",
  }),
  one('S-060', 'a logout deletes the row', 'src/flows/logout.ts', {
    find: 'if (session !== undefined) await this.#endSessions(request, session)',
    replace: '',
  }),
  one('S-061', 'other sites need a confirmation', 'src/flows/logout.ts', {
    find: 'if (session !== undefined && !isConfirmed && !isFromThisSite(request))',
    replace: 'if (session !== undefined && !isConfirmed && !isFromThisSite(request) && false)',
  }),
  one('S-062', 'an update never creates', 'src/session/stores/memory-store.ts', {
    find: 'if (present === undefined || present.revision !== record.revision - 1) return false',
    replace: 'if (present !== undefined && present.revision !== record.revision - 1) return false',
  }),
  one('S-063', 'the inactivity timeout is compared', 'src/session/lifetimes.ts', {
    find: 'return idleExpiresAt !== undefined && now >= idleExpiresAt',
    replace: 'return false && now >= (idleExpiresAt ?? 0)',
  }),
  one('S-064', 'the maximum duration counts from the login', 'src/session/lifetimes.ts', {
    find: 'session.createdAt + (maximumDurationMs === 0',
    replace: 'session.lastActiveAt + (maximumDurationMs === 0',
  }),
  one('S-065', 'a session of the future is none', 'src/session/lifetimes.ts', {
    find: 'if (session.createdAt > now + clockToleranceMs) return true',
    replace: '',
  }),
  one('S-066', 'the cookie must match the state', 'src/oauth/transaction.ts', {
    find: 'isId(value) && isSameHash(sha256(value), decrypted.cookieHash)',
    replace: 'isId(value)',
  }),
  one('S-067', 'four cookies of our name are read', 'src/session/stored-sessions.ts', {
    find: 'const MAX_CANDIDATES = 4',
    replace: 'const MAX_CANDIDATES = 1000',
  }),
  one('S-068', 'own cookies are hidden', 'src/middleware/own-cookies.ts', {
    find: 'if (!this.#isForwarded) {',
    replace: 'if (!this.#isForwarded && false) {',
  }),
  one('S-069', 'a renewed cookie is not cacheable', 'src/middleware/renew-cookie.ts', {
    find: "this.setHeader('Cache-Control', 'private, no-store')",
    replace: '',
  }),
  one('S-070', 'the cookie is set at the login only', 'src/middleware/gate.ts', {
    find: 'if (session.id !== before.id) visitors.renewCookie(request, before, session)',
    replace: "visitors.renewCookie(request, { id: '' } as OpenSession, session)",
  }),
  one('S-071', 'a revocation deletes the row', 'src/session/stored-sessions.ts', {
    find: "const existed = await this.#store[isExternal ? 'remove' : 'delete'](key)",
    replace: 'const existed = !isExternal || isExternal',
  }),
  one('S-072', 'names are folded', 'src/middleware/strip-headers.ts', {
    find: ".replace(/[^a-z0-9]+/g, '-')",
    replace: ".replace(/_/g, '-')",
  }),
  one('S-073', 'OPTIONS requests are stripped', 'src/middleware/gate.ts', {
    find: '    headerStripper.strip(req, headers)\n',
    replace: "    if (req.method !== 'OPTIONS') headerStripper.strip(req, headers)\n",
  }),
  one('S-074', 'Connection is stripped', 'src/middleware/strip-headers.ts', {
    find: 'if (connection !== undefined && connection.length > 10) this.#stripConnection(req, connection)',
    replace: '',
  }),
  one('S-075', 'values are percent-encoded', 'src/middleware/upstream-headers.ts', {
    find: ': value.replace(/[^\\x20-\\x24\\x26-\\x7e]/gu, percentEncode)',
    replace: ': value',
  }),
  one('S-076', 'an empty value is left out', 'src/middleware/upstream-headers.ts', {
    find: "return value === '' ? [] : [[name, value] as const]",
    replace: 'return [[name, value] as const]',
  }),
  one('S-077', 'each gate decrypts its own tokens', 'src/middleware/upstream-headers.ts', {
    find: 'readonly #tokens = createPrivateNotes<HeaderTokens>()',
    replace:
      "readonly #tokens = ((globalThis as Record<string, unknown>)['tokens'] ??= createPrivateNotes()) as ReturnType<typeof createPrivateNotes<HeaderTokens>>",
  }),
  one('S-078', 'the request continues with the checked session', 'src/middleware/gate.ts', {
    find: "if (result.outcome === 'allowed') return this.#recordActivity(request, session, result.session)",
    replace:
      "if (result.outcome === 'allowed') return this.#recordActivity(request, session, session)",
  }),
  several('S-079', 'forwardTokens: false', [
    {
      file: 'src/middleware/upstream-headers.ts',
      find: 'if (forwardTokens === false || managed.has(user.provider)) return',
      replace: 'if (managed.has(user.provider)) return',
    },
    {
      file: 'src/middleware/visitor.ts',
      find: 'this.headerTokens = forwardsTokens ? record.headerTokens : NO_TOKENS',
      replace: 'this.headerTokens = forwardsTokens ? record.headerTokens : record.headerTokens',
    },
  ]),
  one('S-080', 'the origin of an upgrade is compared', 'src/middleware/sockets.ts', {
    find: 'if (request === undefined || !upgradeOrigins.isAllowed(req, options.origin)) return undefined',
    replace: 'if (request === undefined) return undefined',
  }),
  one('S-082', 'an address has one @', 'src/access/email.ts', {
    find: 'return isAddress && rest.length === 0',
    replace: 'return isAddress && rest.length >= 0',
  }),
  one('S-083', 'only verified addresses count', 'src/access/set-policy.ts', {
    find: 'emailLists.includes(matched.list) && !user.emailVerified && !trustsEmail',
    replace: 'emailLists.includes(matched.list) && !user.emailVerified && !trustsEmail && false',
  }),
  one('S-084', 'claims are strings', 'src/oauth/claims.ts', {
    find: "  return typeof value === 'string' && value !== '' && value.length <= MAX_STRING_LENGTH\n    ? value\n    : undefined",
    replace: '  return value === undefined ? undefined : String(value)',
  }),
  one('S-085', 'a pending membership is none', 'src/providers/github-memberships.ts', {
    find: "return { isMember: isObject(body) && body['state'] === 'active' }",
    replace: 'return { isMember: isObject(body) }',
  }),
  one('S-086', 'an empty list is rejected', 'src/schema/types.ts', {
    find: 'if (value.length === 0)\n      return mistakes.add(`is an empty array: add an entry',
    replace: 'if (value.length < 0)\n      return mistakes.add(`is an empty array: add an entry',
  }),
  one('S-087', 'every rule set must be met', 'src/access/policy.ts', {
    find: 'if (unmet.length > 0) {',
    replace: 'if (unmet.length > 1) {',
  }),
  one('S-088', 'a denied user gets no session', 'src/flows/complete-login.ts', {
    find: 'if (!decision.isAllowed) throw denialOf(user, decision, provider.name, login.retry)',
    replace: '',
  }),
  one('S-089', 'a session is checked after the interval', 'src/flows/check-status.ts', {
    find: "if (intervalMs > 0 && (age >= intervalMs || age < -intervalMs)) return 'due'",
    replace: '',
  }),
  one('S-090', 'a revoked grant ends the session', 'src/flows/recheck.ts', {
    find: 'if (!isEnded(error)) {',
    replace: 'if (!isEnded(error) || isEnded(error)) {',
  }),
  one('S-091', 'trouble of the provider ends no session', 'src/flows/recheck.ts', {
    find: 'if (!isEnded(error)) {',
    replace: 'if (false) {',
  }),
  one('S-092', 'errors are told apart by code', 'src/oauth/token-errors.ts', {
    find: "const known = tokenErrors.get(code ?? '')",
    replace:
      "const known = [...tokenErrors].find(([name]) => `${code ?? ''} ${message ?? ''}`.includes(name))?.[1]",
  }),
  several('S-093', 'one check per session in a process', [
    {
      file: 'src/flows/recheck.ts',
      find: 'return singleFlight(pendingChecks, key, () => {',
      replace: 'return singleFlight(new Map(), key, () => {',
    },
    {
      file: 'src/flows/recheck.ts',
      find: 'const isChecked = decisions.ofRules(current.record)?.at !== knownAt',
      replace: 'const isChecked = knownAt === undefined && false',
    },
  ]),
  one('S-094', 'a check by another process counts', 'src/flows/recheck.ts', {
    find: 'const isChecked = decisions.ofRules(current.record)?.at !== knownAt',
    replace: 'const isChecked = knownAt === undefined && false',
  }),
  several('S-095', 'refreshed tokens are kept until they are stored', [
    {
      file: 'src/flows/refresh-tokens.ts',
      find: 'unsaved.set(session.key, { tokens: withNewTokens(tokens, unverified), expiresAt })',
      replace: '',
    },
    {
      file: 'src/flows/refresh-tokens.ts',
      find: 'state.unsaved.set(session.key, { tokens, expiresAt })',
      replace: '',
    },
  ]),
  one('S-096', 'a failed check backs off', 'src/flows/backoff.ts', {
    find: 'this.#pauses.set(sessionKey, { startsAt, endsAt: startsAt + pauseMs(error), error })',
    replace: '',
  }),
  one('S-097', 'values in pages are escaped', 'src/pages/html.ts', {
    find: "return String(value).replace(/[&<>\"'`]/g, (character) => ENTITIES[character] ?? '')",
    replace: 'return String(value)',
  }),
  one('S-098', 'texts of the provider are cut', 'src/flows/authorization-error.ts', {
    find: ".replace(UNSAFE_CHARACTERS, ' ').trim()",
    replace: '.trim()',
  }),
  one('S-099', 'errors of hooks are cleaned', 'src/oauth/run-hook.ts', {
    find: "typeof secret === 'string' && secret !== '' ? rest.replaceAll(secret, '…') : rest,",
    replace: 'rest,',
  }),
  one('S-100', 'a failed login is an event', 'src/middleware/error-reporter.ts', {
    find: "events.emit('login_failed', { provider: rejection.provider, ...facts() })",
    replace: 'void facts',
  }),
  one('S-101', 'authorize that throws denies access', 'src/access/authorize.ts', {
    find: "throw new OAuthError('internal', { cause, hint: 'authorize failed' })",
    replace: 'return cause !== undefined',
  }),
  one('S-102', 'unknown options are rejected', 'src/schema/read-fields.ts', {
    find: 'if (!Object.hasOwn(fields, key))',
    replace: 'if (!Object.hasOwn(fields, key) && false)',
  }),
  one('S-103', 'responses of the app have no security headers', 'src/middleware/gate.ts', {
    find: '    presetPrivate(request.res)\n',
    replace:
      "    presetPrivate(request.res)\n    request.res.setHeader('X-Frame-Options', 'DENY')\n",
  }),
  one('S-104', 'no install script', 'package.json', {
    find: '"prepack": "npm run build",',
    replace: '"prepack": "npm run build",\n    "postinstall": "node -e 0",',
  }),
  one('S-105', 'the path is that of the request line', 'src/http/paths.ts', {
    find: "const original = stripOrigin(originalUrl ?? req.url ?? '/')",
    replace:
      "const original = stripOrigin(String(req.headers['x-original-url'] ?? originalUrl ?? req.url ?? '/'))",
  }),
  one('S-106', 'the method is the original one', 'src/middleware/options-passthrough.ts', {
    find: "if (typeof req.originalMethod === 'string' && req.originalMethod !== 'OPTIONS') return false",
    replace: '',
  }),
  one('S-107', 'ambiguous paths need a session', 'src/command/gateway/allowed-paths.ts', {
    find: 'if (AMBIGUOUS.test(path)) return false',
    replace: '',
  }),
  one('S-108', 'no user agent passes', 'src/middleware/gate.ts', {
    find: 'if (optionsPassthrough.applies(request.req)) return',
    replace:
      "if (optionsPassthrough.applies(request.req) || /kube-probe|GoogleHC|ELB-HealthChecker/.test(request.headers['user-agent'] ?? '')) return",
  }),
  one('S-109', 'redirects are not followed', 'src/oauth/fetch.ts', {
    find: "redirect: 'manual',",
    replace: "redirect: 'follow',",
  }),
  one('S-110', 'requests to a provider are limited', 'src/oauth/request-queue.ts', {
    find: 'return this.#runningCount < this.#concurrency && (this.#running.get(address) ?? 0) < limit',
    replace: 'return limit > 0',
  }),
  one('S-111', 'a failed read is an error', 'src/session/stores/guarded-store.ts', {
    find: '() => result).catch((error: unknown) => {',
    replace:
      '() => result).catch((error: unknown) => {\n      if (error) return undefined as never',
  }),
  one('S-112', 'an error reply is an error', 'src/session/stores/redis/row-reader.ts', {
    find: "if (!isErrorReply(error, 'WRONGTYPE')) throw error",
    replace: '',
  }),
  one('S-113', 'a missing file is a missing row', 'src/session/stores/express-session-store.ts', {
    find: "return isObject(error) && error['code'] === 'ENOENT'",
    replace: "return isObject(error) && error['code'] === 'NONE'",
  }),
  one('S-114', 'sessions per user are limited', 'src/session/stores/memory-store.ts', {
    find: 'if (oldest !== undefined) sessions.delete(oldest)',
    replace: '',
  }),
  several('S-115', 'encoded headers belong to one user', [
    {
      file: 'src/middleware/upstream-headers.ts',
      find: 'readonly #encoded = new WeakMap<UserProfile, EncodedHeaders>()',
      replace: 'readonly #encoded = new Map<unknown, EncodedHeaders>()',
    },
    {
      file: 'src/middleware/upstream-headers.ts',
      find: 'const known = this.#encoded.get(user)',
      replace: 'const known = this.#encoded.get(0)',
    },
    {
      file: 'src/middleware/upstream-headers.ts',
      find: 'this.#encoded.set(user, { matched, headers })',
      replace: 'this.#encoded.set(0, { matched, headers })',
    },
  ]),
  one('S-116', 'members of later releases are kept', 'src/session/session.ts', {
    find: 'return deepFreeze(later === undefined ? record : { ...record, later })',
    replace: 'return deepFreeze(record)',
  }),
  one('S-117', 'discovery is cached', 'src/oauth/cached-value.ts', {
    find: 'if (this.#current === undefined) return this.#load(deadline)',
    replace: 'if (maxStaleMs > 0) return this.#load(deadline)',
  }),
  one('S-118', 'timers are unreferenced', 'src/middleware/configuration/config-follower.ts', {
    find: 'setTimeout(() => void this.refresh(), pauseMs).unref()',
    replace: 'setTimeout(() => void this.refresh(), pauseMs)',
  }),
]

function one(id: string, guard: string, file: string, edit: Omit<Edit, 'file'>): Mutation {
  return { id, guard, edits: [{ file, ...edit }] }
}

function several(id: string, guard: string, edits: readonly Edit[]): Mutation {
  return { id, guard, edits }
}
