// The smallest OpenID Connect provider that all contenders accept.
import { createHash, createSign, generateKeyPairSync, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const logins = new Map()
const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')

function sign(claims, header = {}) {
  const text = `${encode({ alg: 'RS256', kid: '1', ...header })}.${encode(claims)}`
  return `${text}.${createSign('sha256').update(text).sign(privateKey, 'base64url')}`
}

/** Each login is that of the next one. With one user alone, a login would be that of the user's hundredth device. */
const PEOPLE = 1_000

function personOf(number) {
  return {
    sub: `ada-${number}`,
    name: 'Ada Lovelace',
    email: `ada-${number}@corp.example`,
    email_verified: true,
    picture: 'https://pictures.example/ada.png',
  }
}

const routes = {
  '/.well-known/openid-configuration': (_, issuer) => ({
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    userinfo_endpoint: `${issuer}/userinfo`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    code_challenge_methods_supported: ['S256'],
  }),
  '/jwks': () => ({
    keys: [{ ...publicKey.export({ format: 'jwk' }), kid: '1', alg: 'RS256', use: 'sig' }],
  }),
  '/userinfo': (_, issuer, { authorization = '' }) =>
    personOf(Number(authorization.slice('Bearer '.length).split('-')[0])),
  '/token': ({ code }, issuer) => {
    const { client, nonce, number } = logins.get(code)
    logins.delete(code)
    const now = Math.floor(Date.now() / 1000)
    const access = `${number}-${randomBytes(32).toString('hex')}`
    const hash = createHash('sha256').update(access).digest().subarray(0, 16).toString('base64url')
    const claims = {
      ...personOf(number),
      iss: issuer,
      aud: client,
      nonce,
      iat: now,
      exp: now + 3600,
      auth_time: now,
      at_hash: hash,
    }
    return {
      access_token: access,
      token_type: 'Bearer',
      expires_in: 3600,
      scope: 'openid profile email',
      id_token: sign(claims),
    }
  },
}

export async function startProvider() {
  let count = 0
  const server = createServer(async (req, res) => {
    const issuer = `http://127.0.0.1:${server.address().port}`
    const { pathname, searchParams } = new URL(req.url, issuer)
    if (pathname === '/authorize') {
      const code = randomBytes(16).toString('hex')
      logins.set(code, {
        client: searchParams.get('client_id'),
        nonce: searchParams.get('nonce') ?? undefined,
        number: count++ % PEOPLE,
      })
      const back = new URL(searchParams.get('redirect_uri'))
      back.search = new URLSearchParams({ code, state: searchParams.get('state') })
      return res.writeHead(302, { Location: String(back) }).end()
    }
    let body = ''
    for await (const part of req) body += part
    const answer = routes[pathname](
      Object.fromEntries(new URLSearchParams(body)),
      issuer,
      req.headers,
    )
    res.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer))
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${server.address().port}`
  const now = Math.floor(Date.now() / 1000)
  const claims = {
    ...personOf(0),
    iss: issuer,
    aud: 'bench',
    client_id: 'cli',
    scope: 'read',
    iat: now,
  }
  return {
    issuer,
    /** An access token (RFC 9068) that outlives the measurement. */
    accessToken: sign({ ...claims, exp: now + 86_400 }, { typ: 'at+jwt' }),
    close: () => server.close(),
  }
}
