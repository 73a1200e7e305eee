// One proxy, or the upstream, in a separate process. Its parent requests its CPU usage.
import { Agent, createServer, request } from 'node:http'

const [, , kind, bundle, upstreamPort, issuer] = process.argv
const target = new URL(`http://127.0.0.1:${upstreamPort ?? 80}`)

const listen = (server) =>
  server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))

const kinds = {
  upstream() {
    // Never sleeps under load: waking it would cost the proxy CPU, and more of it the slower the proxy.
    let busyUntil = 0
    let isSpinning = false
    const spin = () => {
      isSpinning = performance.now() < busyUntil
      if (isSpinning) setImmediate(spin)
    }
    listen(
      createServer((req, res) => {
        busyUntil = performance.now() + 50
        if (!isSpinning) spin()
        res.end('hello')
      }),
    )
  },
  async bare(options = {}) {
    const { createProxyServer } = await import(bundle)
    const proxy = createProxyServer({
      target: target.href,
      agent: new Agent({ keepAlive: true }),
      ...options,
    })
    listen(createServer((req, res) => proxy.web(req, res)))
  },
  'bare-forwarded': () => kinds.bare({ xfwd: true }),
  // What a proxy without a library does at least.
  'hand-written'() {
    const { hostname: host, port } = target
    const agent = new Agent({ keepAlive: true })
    listen(
      createServer((req, res) => {
        const { method, url: path, headers } = req
        const sent = request({ host, port, method, path, headers, agent }, (from) => {
          res.writeHead(from.statusCode, from.headers)
          from.pipe(res)
        })
        sent.on('error', () => res.destroy())
        req.pipe(sent)
      }),
    )
  },
  async gateway({ forwardTokens = true, ...rules } = {}) {
    const { startGateway, oidcProvider } = await import(bundle)
    const acme = oidcProvider({
      issuer,
      clientId: 'bench',
      clientSecret: 'bench secret',
      emailDomains: ['corp.example'],
    })
    const gateway = await startGateway({
      options: {
        provider: { acme },
        secret: 'a secret of thirty-two characters or more',
        forwardTokens,
        inactivityTimeout: 3600,
        maximumDuration: 86_400,
        authCheckInterval: 300,
      },
      target,
      listen: { host: '127.0.0.1', port: 0 },
      ...rules,
    })
    process.send({ port: gateway.port })
  },
  // As oauth2-proxy in front of an app: session check, identity headers, proxying.
  'gateway-checks': () => kinds.gateway({ forwardTokens: false, logsRequests: false }),
  'gateway-logs': () => kinds.gateway({ forwardTokens: false }),
  'gateway-allowed': () => kinds.gateway({ allowPaths: ['GET /'], logsRequests: false }),
}

process.on('message', () => process.send({ cpu: process.cpuUsage() }))
process.on('disconnect', () => process.exit())
await kinds[kind]()
