import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type Gateway,
  type GatewayRules,
  type GatewaySettings,
  startGateway,
} from '../../src/command/gateway/index.js'
import type { Logger, OAuthModuleOptions } from '../../src/index.js'
import type { VendorServer } from '../../src/dev/vendors/index.js'
import { secret, stopping } from './gate.js'
import { plainOf } from './plain.js'
import { startVendor } from './providers.js'

export interface LoggedLine {
  level: string
  message: string
  details: Readonly<Record<string, unknown>>
}

export interface TestGateway extends Gateway {
  origin: string
  url(path: string): string
  /** What was logged. */
  lines: LoggedLine[]
  /** The settings, for `reconfigure()`. */
  rules: GatewayRules
}

export type TestSettings = Partial<Omit<GatewaySettings, 'options' | 'target'>> & {
  options?: Partial<OAuthModuleOptions>
  /** A port of 127.0.0.1, or a URL. */
  target: number | string
}

let vendor: Promise<VendorServer> | undefined

/** A provider that consents without a page; one for all tests of a file. */
export function gatewayVendor(): Promise<VendorServer> {
  vendor ??= startVendor('oauth2')
  return vendor
}

/** Forgets the provider, which `stopAll()` has stopped. */
export function forgetVendor(): void {
  vendor = undefined
}

export function recordingLogger(lines: LoggedLine[]): Logger {
  const write =
    (level: string) =>
    (message: string, details: object = {}) =>
      void lines.push({ level, message, details: { ...details } })
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
  }
}

/** The gate of the command in front of a server. */
export async function startTestGateway(settings: TestSettings): Promise<TestGateway> {
  const { options = {}, target, ...others } = settings
  const lines: LoggedLine[] = []
  const rules: GatewayRules = {
    ...others,
    options: {
      provider: { acme: plainOf(await gatewayVendor()) },
      secret,
      ...(options.headerPrefix === undefined && { forwardTokens: true }),
      ...options,
    },
    target: new URL(typeof target === 'number' ? `http://127.0.0.1:${target}` : target),
  }
  const gateway = await startGateway({
    listen: { host: '127.0.0.1', port: 0 },
    logger: recordingLogger(lines),
    ...rules,
  })
  const { port } = gateway
  return stopping({
    port,
    origin: `http://localhost:${port}`,
    url: (path: string) => `http://localhost:${port}${path}`,
    lines,
    rules,
    reconfigure: (next: GatewayRules) => gateway.reconfigure(next),
    close: () => gateway.close(),
  })
}

export interface TestUpstream {
  port: number
  server: Server
  close(): Promise<void>
}

/** A server behind the gateway. */
export async function startUpstream(listener: RequestListener): Promise<TestUpstream> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return stopping({
    port: (server.address() as AddressInfo).port,
    server,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  })
}
