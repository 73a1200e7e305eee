import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** One connection through the wire. */
export interface Strand {
  /** What the client has said so far, its beginning. */
  said(): string
  /** Holds back what the server says, without telling anyone. */
  hold(): void
  release(): void
}

export interface Wire {
  readonly port: number
  readonly strands: Strand[]
  /** What becomes of what the server says, on every connection. */
  spoil(change: ((answer: Buffer) => Buffer) | undefined): void
  /** Lets this many milliseconds pass before each response. */
  slow(milliseconds: number): void
  /**
   * Holds back everything in both directions, on new connections too, without closing anything, as
   * a network that loses packets does.
   */
  freeze(): void
  /** Delivers what was held back. */
  thaw(): void
  /** Loses everything in both directions until `cut`, without closing anything. */
  drop(): void
  /** Ends every connection, and takes no new ones until `mend`. */
  cut(): void
  mend(): void
  close(): Promise<void>
}

/** A wire to a local server that can be slow, cut or full of noise. */
export async function startWire(target: number): Promise<Wire> {
  const strands: Strand[] = []
  const sockets = new Set<Socket>()
  let spoil: ((answer: Buffer) => Buffer) | undefined
  let delay = 0
  let isCut = false
  let state: 'open' | 'frozen' | 'dropping' = 'open'
  const frozen: (() => void)[] = []
  const whenOpen = (deliver: () => void) => {
    if (state === 'open') deliver()
    else if (state === 'frozen') frozen.push(deliver)
  }

  const server = createServer((near) => {
    if (isCut) return void near.destroy()
    const far = connect(target, '127.0.0.1')
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one)
      one.setNoDelay(true)
      one.on('error', () => undefined)
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
    }
    let said = ''
    let isHeld = false
    const held: Buffer[] = []
    const pass = (answer: Buffer) =>
      void (isHeld ? held.push(answer) : near.write(spoil ? spoil(answer) : answer))
    near.on('data', (data) => {
      if (said.length < 2000) said += data.toString('latin1')
      whenOpen(() => far.write(data))
    })
    far.on(
      'data',
      (data: Buffer) =>
        void (delay === 0
          ? whenOpen(() => pass(data))
          : setTimeout(() => whenOpen(() => pass(data)), delay).unref()),
    )
    strands.push({
      said: () => said,
      hold: () => void (isHeld = true),
      release() {
        isHeld = false
        for (const answer of held.splice(0)) pass(answer)
      },
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')

  const cut = () => {
    isCut = true
    state = 'open'
    frozen.length = 0
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    strands,
    spoil: (change) => void (spoil = change),
    slow: (milliseconds) => void (delay = milliseconds),
    freeze: () => void (state = 'frozen'),
    thaw() {
      state = 'open'
      for (const deliver of frozen.splice(0)) deliver()
    },
    drop: () => void (state = 'dropping'),
    cut,
    mend: () => void (isCut = false),
    async close() {
      cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
