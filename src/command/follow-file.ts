import { readFileSync, unwatchFile, watchFile } from 'node:fs'

/** How often the file is looked at. */
const INTERVAL_MS = 500

/**
 * Calls `onChange` when the contents of a file have changed, and have stayed the same for a moment:
 * the first half of a file that is still being written may be valid without its rules. It polls:
 * events of the file system are lost on network file systems, in containers, and when a link is
 * replaced, as Kubernetes does for a ConfigMap. Returns a function that stops it.
 */
export function followFile(file: string, onChange: () => void): () => void {
  const read = () => {
    try {
      return readFileSync(file, 'utf8')
    } catch {
      return undefined
    }
  }
  let contents = read()
  let timer: NodeJS.Timeout | undefined
  const look = () => {
    clearTimeout(timer)
    const current = read()
    // While an editor replaces the file, it may not exist for a moment.
    if (current === undefined || current === contents) return
    timer = setTimeout(() => {
      if (read() !== current) return look()
      contents = current
      onChange()
    }, INTERVAL_MS).unref()
  }
  watchFile(file, { interval: INTERVAL_MS, persistent: false }, look)
  return () => {
    unwatchFile(file, look)
    clearTimeout(timer)
  }
}
