import type { createDialogs } from './dialogs.js'
import { start } from './start-client.js'
import type {} from './index.js'

/** What the gate writes in front of the script. */
declare const basePath: string

// A page may load the script twice, as a script and as a module.
globalThis.oauthClient ??= start(basePath, {}, async (watch) => {
  const { default: create } = (await import(`${basePath}/client.js?dialogs`)) as {
    default: (watch: Parameters<typeof createDialogs>[0]) => ReturnType<typeof createDialogs>
  }
  return create(watch)
})
