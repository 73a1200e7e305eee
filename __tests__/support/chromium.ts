import {
  chromium,
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
} from 'playwright-core'

/** Which Chromium runs, without what tests do not need. */
export const chromiumOptions = {
  executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
}

export function launchBrowser(): Promise<Browser> {
  return chromium.launch(chromiumOptions)
}

/** Runs `use` in a fresh profile of a fresh Chromium, and closes both whatever happens. */
export async function withBrowser<T>(
  use: (context: BrowserContext) => Promise<T>,
  options: BrowserContextOptions = {},
): Promise<T> {
  const browser = await launchBrowser()
  try {
    return await use(await browser.newContext(options))
  } finally {
    await browser.close()
  }
}
