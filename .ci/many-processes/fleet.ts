import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Order, Setup } from './app.js'
import type { Proxy } from './proxy.js'

export interface Member {
  readonly setup: Setup
  readonly port: number
  readonly child: ChildProcess
  /** Orders without a response yet. */
  readonly pending: Map<number, (isDone: boolean) => void>
}

export interface Fleet {
  readonly members: readonly Member[]
  /** Of each process that was killed, when. */
  readonly killedAt: ReadonlyMap<string, number>
  /** Processes that did not end as they should. */
  readonly badEnds: string[]
  readonly counts: { started: number; killed: number; ended: number }
  start(): Promise<void>
  /** Like a power cut. */
  kill(member: Member): Promise<void>
  /** Like a deploy: the process ends what it has begun. */
  end(member: Member): Promise<void>
  /** Says whether it was done; a process that is killed meanwhile cannot say. */
  ask(member: Member, order: Order): Promise<boolean>
  close(): Promise<void>
}

/** An end that takes longer than any check may is none. */
const LONGEST_END = 20_000

/** `next` says with what the next process starts. */
export function createFleet(proxy: Proxy, next: () => Omit<Setup, 'name'>): Fleet {
  const members: Member[] = []
  const killedAt = new Map<string, number>()
  const badEnds: string[] = []
  const counts = { started: 0, killed: 0, ended: 0 }
  const children = new Set<ChildProcess>()
  let orders = 0
  process.once('exit', () => {
    for (const child of children) child.kill('SIGKILL')
  })

  const leave = (member: Member) => {
    const place = members.indexOf(member)
    if (place >= 0) members.splice(place, 1)
    proxy.targets.delete(member.port)
  }
  const end = async (member: Member) => {
    leave(member)
    counts.ended++
    const { child, setup } = member
    child.send({ is: 'end' } satisfies Order)
    const timer = setTimeout(() => {
      badEnds.push(`${setup.name} does not end`)
      child.kill('SIGKILL')
    }, LONGEST_END)
    await once(child, 'exit')
    clearTimeout(timer)
  }
  return {
    members,
    killedAt,
    badEnds,
    counts,
    async start() {
      const setup: Setup = { name: `process-${++counts.started}`, ...next() }
      const child = fork(join(import.meta.dirname, 'app.ts'), {
        execArgv: ['--import', 'tsx'],
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      })
      children.add(child)
      child.send(setup)
      const failed = once(child, 'exit').then(() =>
        Promise.reject(new Error(`${setup.name} did not start`)),
      )
      const [{ port }] = (await Promise.race([once(child, 'message'), failed])) as [
        { port: number },
      ]
      const pending: Member['pending'] = new Map()
      child.on('message', ({ done }: { done: number }) => pending.get(done)?.(true))
      child.once('exit', (code) => {
        children.delete(child)
        if (code !== 0 && code !== null) badEnds.push(`${setup.name} ended with ${code}`)
        for (const settle of pending.values()) settle(false)
      })
      members.push({ setup, port, child, pending })
      proxy.targets.add(port)
    },
    async kill(member) {
      counts.killed++
      killedAt.set(member.setup.name, Date.now())
      member.child.kill('SIGKILL')
      await once(member.child, 'exit')
      leave(member)
    },
    end,
    async ask({ child, pending }, order) {
      const id = ++orders
      const answer = new Promise<boolean>((resolve) => pending.set(id, resolve))
      // Where it cannot be sent, the process is gone, and says so.
      if (child.connected) child.send({ ...order, id }, () => undefined)
      else pending.get(id)?.(false)
      return answer.finally(() => pending.delete(id))
    },
    async close() {
      await Promise.all([...members].map(end))
    },
  }
}
