// Apache as a reverse proxy, with or without mod_auth_openidc, in processes of its own. This process
// starts it, and responds to its parent as the other contenders do.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const MODULES = '/usr/lib/apache2/modules'
const SERVER = '/usr/sbin/apache2'

/** Whether Debian's apache2-bin and libapache2-mod-auth-openidc are installed. */
export const hasApache = existsSync(SERVER) && existsSync(`${MODULES}/mod_auth_openidc.so`)

const modules = [
  'mpm_event',
  'authn_core',
  'authz_core',
  'authz_user',
  'proxy',
  'proxy_http',
  'unixd',
]

/** Debian builds some of them into the server. */
function isLoadable(name) {
  return existsSync(`${MODULES}/mod_${name}.so`)
}

/** Session check, identity headers, and proxying, as in its documentation. */
const guard = (port, issuer) => `
LoadModule auth_openidc_module ${MODULES}/mod_auth_openidc.so
OIDCProviderMetadataURL ${issuer}/.well-known/openid-configuration
OIDCClientID bench
OIDCClientSecret "bench secret"
OIDCRedirectURI http://localhost:${port}/callback
OIDCCryptoPassphrase "a secret of thirty-two characters or more"
OIDCScope "openid profile email"
OIDCPKCEMethod S256
<Location />
  AuthType openid-connect
  Require valid-user
</Location>`

function configuration({ folder, port, upstreamPort, issuer, isGuarded }) {
  return `
${modules
  .filter(isLoadable)
  .map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`)
  .join('\n')}
ServerName localhost
ServerRoot ${folder}
PidFile ${folder}/pid
ErrorLog ${folder}/error.log
DefaultRuntimeDir ${folder}
Mutex file:${folder}
Listen 127.0.0.1:${port}
User www-data
Group www-data
StartServers 1
ServerLimit 1
ThreadsPerChild 16
MaxRequestWorkers 16
MaxKeepAliveRequests 0
ProxyPreserveHost On
ProxyPass / http://127.0.0.1:${upstreamPort}/
${isGuarded ? guard(port, issuer) : ''}
`
}

/** Microseconds of CPU of a process and those it has started, from all of their threads. */
function cpuOf(pid) {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
  const threads = readdirSync(`/proc/${pid}/task`).map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
  )
  return children.filter(Boolean).reduce(
    (sum, child) => sum + cpuOf(child),
    threads.reduce((sum, ns) => sum + ns / 1000, 0),
  )
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  return port
}

async function untilReachable(port) {
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    const isOpen = await new Promise((resolve) =>
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false)),
    )
    socket.destroy()
    if (isOpen) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function start(kind, upstreamPort, issuer) {
  const folder = mkdtempSync(join(tmpdir(), 'bench-apache-'))
  const port = await freePort()
  const file = join(folder, 'apache.conf')
  const isGuarded = kind === 'guarded'
  writeFileSync(file, configuration({ folder, port, upstreamPort, issuer, isGuarded }))
  const apache = spawn(SERVER, ['-D', 'FOREGROUND', '-f', file], { stdio: 'inherit' })
  apache.once('exit', () => process.exit(1))
  process.on('exit', () => {
    apache.kill()
    rmSync(folder, { recursive: true, force: true })
  })
  await untilReachable(port)
  process.on('message', () => process.send({ cpu: { user: cpuOf(apache.pid), system: 0 } }))
  process.on('disconnect', () => process.exit())
  process.send({ port })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , kind, , upstreamPort, issuer] = process.argv
  await start(kind, upstreamPort, issuer)
}
