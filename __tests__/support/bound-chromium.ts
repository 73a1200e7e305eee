import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { chromiumOptions } from './chromium.js'

/** A running Chromium. */
export interface RunningChromium {
  readonly context: BrowserContext
  readonly page: Page
  /** What the browser reported of its device-bound sessions, as in `creation: Success`. */
  readonly events: readonly string[]
}

/** A Chromium with a profile that it keeps over restarts. */
export interface BoundChromium {
  /** Starts it, and stops the one that ran before. */
  start(): Promise<RunningChromium>
  close(): Promise<void>
}

/** Without hardware for keys, they are kept in software. */
const FEATURES = 'DeviceBoundSessions,EnableBoundSessionCredentialsSoftwareKeysForManualTesting'

/**
 * Chromium with device-bound sessions. It registers none while it ignores errors of certificates,
 * so it must trust this certificate authority.
 */
export function boundChromium({ caFile }: { readonly caFile: string }): BoundChromium {
  const home = mkdtempSync(join(tmpdir(), 'oauth-module-chromium-'))
  trust(caFile, home)
  let running: BrowserContext | undefined
  const stop = async () => {
    await running?.close()
    running = undefined
  }
  return {
    async start() {
      await stop()
      const { args, executablePath } = chromiumOptions
      running = await chromium.launchPersistentContext(join(home, 'profile'), {
        executablePath,
        args: [...args, `--enable-features=${FEATURES}`],
        env: { ...process.env, HOME: home },
      })
      const page = running.pages()[0] ?? (await running.newPage())
      return { context: running, page, events: await recordEvents(running, page) }
    },
    async close() {
      await stop()
      rmSync(home, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** Where Chromium on Linux looks for certificates that a user trusts. */
function trust(caFile: string, home: string): void {
  const database = join(home, '.pki/nssdb')
  mkdirSync(database, { recursive: true })
  const certutil = (...args: string[]) =>
    execFileSync('certutil', ['-d', `sql:${database}`, ...args], { stdio: 'ignore' })
  certutil('-N', '--empty-password')
  certutil('-A', '-t', 'C,,', '-n', 'tests', '-i', caFile)
}

/** Newer than the types of the protocol. */
interface BoundSessionEvent {
  readonly creationEventDetails?: { readonly fetchResult: string }
  readonly refreshEventDetails?: { readonly refreshResult: string }
  readonly terminationEventDetails?: { readonly deletionReason: string }
}

async function recordEvents(context: BrowserContext, page: Page): Promise<readonly string[]> {
  const events: string[] = []
  const protocol = await context.newCDPSession(page)
  const { on, send } = protocol as unknown as {
    on(name: string, listener: (event: BoundSessionEvent) => void): void
    send(method: string, params?: object): Promise<unknown>
  }
  on.call(protocol, 'Network.deviceBoundSessionEventOccurred', (event) => {
    const { creationEventDetails, refreshEventDetails, terminationEventDetails } = event
    if (creationEventDetails) events.push(`creation: ${creationEventDetails.fetchResult}`)
    if (refreshEventDetails) events.push(`refresh: ${refreshEventDetails.refreshResult}`)
    if (terminationEventDetails) events.push(`end: ${terminationEventDetails.deletionReason}`)
  })
  await send.call(protocol, 'Network.enable')
  await send.call(protocol, 'Network.enableDeviceBoundSessions', { enable: true })
  return events
}
