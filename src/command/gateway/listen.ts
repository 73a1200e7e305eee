import type { AddressInfo } from 'node:net'
import type { GatewayServer } from './messages.js'

/** An address to listen at. Port 0 takes a free one. */
export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/** Starts to listen. Rejects with the error of `listen()`, after `end` has freed what waits for it. */
export async function listen(
  server: GatewayServer,
  { host, port }: ListenAddress,
  end: () => Promise<void>,
): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, host, () => {
        server.off('error', reject)
        resolve()
      })
    })
  } catch (error) {
    await end()
    throw error
  }
}

/** The port that a server listens at; 0 if it does not. */
export function portOf(server: GatewayServer): number {
  return (server.address() as AddressInfo | null)?.port ?? 0
}
