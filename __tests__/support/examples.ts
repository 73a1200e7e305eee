import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { type Browser, createBrowser, linksOf } from './jar.js'

const children: ChildProcess[] = []

export interface Example {
  origin: string
  /** What it printed so far. */
  printed(): string
}

/** Starts an example on a free port, as its reader would. */
export function startExample(name: string): Promise<Example> {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([key]) => !key.startsWith('OAUTH_MODULE_')),
  )
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', join(process.cwd(), 'examples', `${name}.ts`)],
    { env: { ...env, PORT: '0', NODE_ENV: 'development' } },
  )
  children.push(child)
  let printed = ''
  return new Promise((resolve, reject) => {
    const read = (chunk: Buffer) => {
      printed += String(chunk)
      const origin = /http:\/\/localhost:[1-9]\d*/.exec(printed)?.[0]
      if (origin !== undefined) resolve({ origin, printed: () => printed })
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code}: ${printed}`)))
  })
}

/** Stops all examples; for `afterAll`. */
export async function stopExamples(): Promise<void> {
  await Promise.all(
    children.splice(0).map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill()
      await once(child, 'exit')
    }),
  )
}

/** Signs in a persona of the development provider, at the page `path`. */
export async function signInAs(
  persona: string,
  { origin }: Example,
  path = '/',
  browser: Browser = createBrowser(),
): Promise<Browser> {
  const chooser = await browser.get(origin + path)
  const link = linksOf(chooser).find((url) => new URL(url).searchParams.get('persona') === persona)
  await browser.get(String(link))
  return browser
}
