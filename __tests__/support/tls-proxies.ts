import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stopping } from './gate.js'
import { eventually, freePorts, type Program, startProgram } from './programs.js'

/** A TLS proxy in front of an app. */
export interface TlsProxy {
  /** `https://localhost:PORT`. */
  readonly origin: string
  url(path: string): string
  close(): Promise<void>
}

/** What a test changes in the configuration of nginx. */
export interface NginxSettings {
  /** Directives of the `location` for `/feed`; by default it is served like the rest. */
  readonly socketLocation?: string
}

const FORWARDED = `
  proxy_set_header Host $http_host;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header X-Forwarded-Proto $scheme;`

/** How the documentation of nginx configures WebSockets. */
export const NGINX_UPGRADE = `
  proxy_http_version 1.1;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection $connection_upgrade;`

/** nginx with TLS in front of the app at a port. */
export function startNginx(appPort: number, settings: NginxSettings = {}): Promise<TlsProxy> {
  return startTlsProxy((folder, port) => {
    const location = `proxy_pass http://127.0.0.1:${appPort};`
    const config = `
      daemon off;
      master_process off;
      pid ${folder}/nginx.pid;
      error_log stderr warn;
      events {}
      http {
        access_log off;
        ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
          .map((kind) => `${kind}_temp_path ${folder}/${kind};`)
          .join('\n')}
        map $http_upgrade $connection_upgrade { default upgrade; '' close; }
        server {
          listen 127.0.0.1:${port} ssl;
          ssl_certificate ${folder}/cert.pem;
          ssl_certificate_key ${folder}/key.pem;
          location / { ${location} ${FORWARDED} ${NGINX_UPGRADE} }
          ${settings.socketLocation ? `location /feed { ${location} ${settings.socketLocation} }` : ''}
        }
      }`
    writeFileSync(join(folder, 'nginx.conf'), config)
    const command = existsSync('/usr/sbin/nginx') ? '/usr/sbin/nginx' : 'nginx'
    return startProgram(command, ['-e', 'stderr', '-p', folder, '-c', join(folder, 'nginx.conf')])
  })
}

/** Caddy with TLS in front of the app at a port; `reverse_proxy` needs no more than that. */
export function startCaddy(appPort: number): Promise<TlsProxy> {
  return startTlsProxy((folder, port) => {
    const config = `
      {
        admin off
        auto_https disable_redirects
      }
      https://localhost:${port} {
        bind 127.0.0.1
        tls ${folder}/cert.pem ${folder}/key.pem
        reverse_proxy 127.0.0.1:${appPort}
      }`
    writeFileSync(join(folder, 'Caddyfile'), config)
    const args = ['run', '--config', join(folder, 'Caddyfile'), '--adapter', 'caddyfile']
    const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }
    return startProgram('caddy', args, { env })
  })
}

/** Starts a proxy with a certificate for `localhost` in the folder. */
export async function startTlsProxy(
  start: (folder: string, port: number) => Program,
): Promise<TlsProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'oauth-module-proxy-'))
  writeCertificate(folder)
  const [port = 0] = await freePorts(1)
  const program = start(folder, port)
  await eventually('the proxy listens', () => accepts(port)).catch((error: unknown) => {
    throw new Error(program.printed(), { cause: error })
  })
  const origin = `https://localhost:${port}`
  return stopping({
    origin,
    url: (path: string) => origin + path,
    async close() {
      await program.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  })
}

/** Writes `key.pem` and `cert.pem` for `localhost`. */
export function writeCertificate(folder: string): void {
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const kind = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']
  const files = ['-nodes', '-keyout', key, '-out', certificate]
  execFileSync('openssl', [...kind, ...files, '-days', '1', ...names], { stdio: 'ignore' })
}

function accepts(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const settle = (result: true | undefined) => {
      socket.destroy()
      resolve(result)
    }
    socket.once('connect', () => settle(true)).once('error', () => settle(undefined))
  })
}
