import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider, { type InteractionResults } from 'oidc-provider'
import { configuration, type State } from './oidc-configuration.js'
import { createControl, type Log } from './oidc-control.js'
import type { Answer, Call, Fault, LoggedRequest, OidcControl, OidcOptions } from './oidc.js'

const escape = (text: string) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)

function logRequest(req: IncomingMessage, url: URL): LoggedRequest {
  const logged = {
    method: req.method ?? '',
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: req.headers,
    body: '',
  }
  // Reading the stream would take it away from the provider.
  const push = req.push.bind(req)
  req.push = (chunk: Buffer | null, encoding?: BufferEncoding) => {
    if (chunk) logged.body += chunk.toString()
    return push(chunk, encoding)
  }
  return logged
}

async function spoil(fault: Fault, req: IncomingMessage, res: ServerResponse): Promise<boolean> {
  if (fault.connection === 'hang') return true
  if (fault.connection === 'reset') return req.socket.destroy().destroyed
  if (fault.delay) await new Promise((resolve) => setTimeout(resolve, fault.delay))
  if (fault.status === undefined) return false
  res.writeHead(fault.status, fault.headers).end(fault.body ?? '')
  return true
}

/** Completes an interaction if the account is configured, otherwise shows a page of accounts. */
async function interact(
  provider: Provider,
  state: State,
  req: IncomingMessage,
  res: ServerResponse,
  url: URL,
) {
  const interaction = await provider.interactionDetails(req, res)
  const { prompt, params, uid } = interaction
  const finish = (result: InteractionResults) =>
    provider.interactionFinished(req, res, result, { mergeWithLastSubmission: true })
  if (state.isDenied || url.searchParams.has('deny')) {
    return provider.interactionFinished(req, res, {
      error: 'access_denied',
      error_description: 'the user said no',
    })
  }
  if (prompt.name === 'consent') return finish({ consent: {} })
  const hint = String(params['login_hint'] ?? '')
  const hinted = [...state.accounts.values()].find(
    ({ sub, email }) => sub === hint || email === hint,
  )
  const accountId = url.searchParams.get('login') ?? state.loginAs ?? hinted?.sub
  if (accountId !== undefined) {
    if (interaction.session && interaction.session.accountId !== accountId) {
      // Else the provider would log the other account out first, by a page with a script.
      await (await provider.Session.findByUid(interaction.session.uid))?.destroy()
      delete interaction.session
      await interaction.persist()
    }
    return finish({ login: { accountId, remember: true } })
  }
  const links = [...state.accounts.keys()].map(
    (sub) =>
      `<li><a href="/interaction/${uid}?login=${encodeURIComponent(sub)}">${escape(sub)}</a></li>`,
  )
  return res
    .writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' })
    .end(
      `<!doctype html><html lang="en"><title>Who are you?</title><h1>Who are you?</h1>` +
        `<ul>${links.join('')}<li><a href="/interaction/${uid}?deny">Deny</a></li></ul></html>`,
    )
}

async function start(options: OidcOptions): Promise<{ port: number; control: OidcControl }> {
  const state: State = {
    accounts: new Map(options.accounts?.map((account) => [account.sub, account])),
    loginAs: options.loginAs,
    isDenied: false,
    store: new Map(),
  }
  const log: Log = { faults: [], requests: [], errors: [] }

  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const issuer = `http://127.0.0.1:${port}`
  const provider = new Provider(issuer, await configuration(options, state))
  const complain = (
    _ctx: unknown,
    error: Error & { error_description?: unknown; error_detail?: unknown },
  ) => {
    log.errors.push(
      [error.message, error.error_description, error.error_detail].filter(Boolean).join(': '),
    )
  }
  provider.on('authorization.error', complain)
  provider.on('pushed_authorization_request.error', complain)
  provider.on('grant.error', complain)
  provider.on('userinfo.error', complain)
  provider.on('revocation.error', complain)
  provider.on('end_session.error', complain)
  provider.on('backchannel.error', complain)
  provider.on('server_error', complain)
  const callback = provider.callback()

  async function serve(req: IncomingMessage, res: ServerResponse) {
    const url = new URL(req.url ?? '/', issuer)
    log.requests.push(logRequest(req, url))
    const index = log.faults.findIndex(({ path }) => url.pathname.startsWith(path))
    const fault = log.faults[index]
    if (fault) {
      if (fault.times !== undefined && --fault.times <= 0) log.faults.splice(index, 1)
      if (await spoil(fault, req, res)) return
    }
    if (url.pathname.startsWith('/interaction/')) await interact(provider, state, req, res, url)
    else await callback(req, res)
  }
  server.on('request', (req, res) => {
    serve(req, res).catch((error: unknown) => {
      log.errors.push(String(error))
      if (!res.headersSent) res.writeHead(500)
      res.end(String(error))
    })
  })

  const control = createControl(provider, state, log)
  for (const client of options.clients ?? []) await control.setClient(client)
  return { port, control }
}

let control: OidcControl | undefined

async function perform({ method, args }: Call): Promise<unknown> {
  if (method === 'start') {
    const started = await start(args[0] as OidcOptions)
    control = started.control
    return started.port
  }
  const run = control?.[method] as ((...args: unknown[]) => Promise<unknown>) | undefined
  if (!run) throw new Error(`not started: ${method}`)
  return run(...args)
}

process.on('message', (call: Call) => {
  const reply = (answer: Omit<Answer, 'id'>) => process.send?.({ id: call.id, ...answer })
  perform(call).then(
    (result) => reply({ result }),
    (error: unknown) => {
      const detail =
        error instanceof Error && 'error_description' in error
          ? ` ${String(error.error_description)}`
          : ''
      reply({ error: `${String(error)}${detail}` })
    },
  )
})
process.on('disconnect', () => process.exit())
