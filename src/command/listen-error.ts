import { CommandError } from './errors.js'
import type { ListenAddress } from './gateway/index.js'

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program uses this port. Choose another one with --listen',
  EACCES: 'ports below 1024 need privileges. Choose another one with --listen',
  EADDRNOTAVAIL: 'this machine does not have this address',
  ENOTFOUND: 'this host name is not known',
}

/** Why the address could not be used; `undefined` for another error. */
export function listenError(
  error: unknown,
  { host, port }: ListenAddress,
): CommandError | undefined {
  const { code } = error as NodeJS.ErrnoException
  const reason = code === undefined ? undefined : reasons[code]
  return reason === undefined
    ? undefined
    : new CommandError(`cannot listen at ${host}:${port}: ${reason}`)
}
