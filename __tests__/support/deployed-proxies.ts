import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startProgram } from './programs.js'
import { startTlsProxy, type TlsProxy } from './tls-proxies.js'

const deploy = join(__dirname, '../../examples/deploy')

interface Ports {
  readonly gatePort: string
  readonly appPort: number
}

/** The file of `examples/deploy`, with the ports and certificates of a test. */
function exampleFile(
  name: string,
  { gatePort, appPort }: Ports,
  changes: readonly [string, string][],
): string {
  const replaced = [
    ['127.0.0.1:8080', `127.0.0.1:${gatePort}`] as const,
    ['127.0.0.1:3000', `127.0.0.1:${appPort}`] as const,
    ...changes,
  ].reduce(
    (text, [from, to]) => {
      if (!text.includes(from)) throw new Error(`${name} lacks ${from}`)
      return text.replaceAll(from, to)
    },
    readFileSync(join(deploy, name), 'utf8'),
  )
  return replaced
}

/** nginx in front of an app, which asks a gate. */
export function startDeployedNginx(gatePort: string, appPort: number): Promise<TlsProxy> {
  return startTlsProxy((at, port) => {
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((kind) => `${kind}_temp_path ${at}/${kind};`)
      .join(' ')
    const config = exampleFile('nginx.conf', { gatePort, appPort }, [
      ['http {', `http { access_log off; ${temporary}`],
      ['listen 443 ssl', `listen 127.0.0.1:${port} ssl`],
      ['/etc/ssl/app.example.com.pem', `${at}/cert.pem`],
      ['/etc/ssl/app.example.com.key', `${at}/key.pem`],
      ['app.example.com', 'localhost'],
    ])
    writeFileSync(join(at, 'nginx.conf'), config)
    const command = existsSync('/usr/sbin/nginx') ? '/usr/sbin/nginx' : 'nginx'
    const directives = `daemon off; master_process off; pid ${at}/nginx.pid; error_log stderr warn;`
    return startProgram(command, ['-p', at, '-c', join(at, 'nginx.conf'), '-g', directives])
  })
}

/** As {@link startDeployedNginx}. */
export function startDeployedCaddy(gatePort: string, appPort: number): Promise<TlsProxy> {
  return startTlsProxy((at, port) => {
    const site = `https://localhost:${port} {\n\tbind 127.0.0.1\n\ttls ${at}/cert.pem ${at}/key.pem`
    const config = exampleFile('Caddyfile', { gatePort, appPort }, [['app.example.com {', site]])
    writeFileSync(
      join(at, 'Caddyfile'),
      `{\n\tadmin off\n\tauto_https disable_redirects\n}\n${config}`,
    )
    const env = { ...process.env, HOME: at, XDG_DATA_HOME: at, XDG_CONFIG_HOME: at }
    const args = ['run', '--config', join(at, 'Caddyfile'), '--adapter', 'caddyfile']
    return startProgram('caddy', args, { env })
  })
}
