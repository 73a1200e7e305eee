import type { Settled } from './layers.js'

/** The path of an option at the start of a line, as `oauthModule()` and our own checks write it. */
const PATH = /^(?:oauthModule|reconfigure\(\)|configuration)\.([\w.-]+)/gm

/**
 * A message about options, with the place where each of them was set: a flag, a variable, or the
 * file.
 */
export function withOrigins(message: string, settled?: Settled): string {
  return message.replaceAll(PATH, (_, path: string) => {
    const origin = settled && originOf(path, settled)
    return origin === undefined ? path : `${path}, set by ${origin},`
  })
}

function originOf(path: string, settled: Settled): string | undefined {
  const names = path.split('.')
  return [...settled.values()].find(({ path: at }) =>
    at.every((name, index) => name === names[index]),
  )?.origin
}
