import type { ExpressSessionStore } from '../../src/index.js'

/** Habits that stores made for express-session have been seen with. */
export type Habit =
  | 'calls back twice'
  | 'responds late'
  | 'throws'
  | 'rejects'
  | 'never responds'
  | 'fails with ENOENT'

export interface OddStore extends ExpressSessionStore {
  /** One habit for the next call of a method, on top of the usual oddities. */
  next(method: 'get' | 'set' | 'destroy', habit: Habit): void
  readonly rows: Map<string, string>
}

/**
 * A store that does what the interface does not forbid: it responds by callback and by a promise of
 * nothing, sometimes synchronously, turns dates into strings, returns `null` for missing rows, has
 * no `touch`, and adds fields to rows.
 */
export function oddStore(): OddStore {
  const rows = new Map<string, string>()
  const next = new Map<string, Habit>()
  const answer = async (
    method: string,
    callback: ((error: unknown, value?: never) => void) | undefined,
    run: () => unknown,
  ): Promise<undefined> => {
    const habit = next.get(method)
    next.delete(method)
    const reply = callback as ((error: unknown, value?: unknown) => void) | undefined
    if (habit === 'rejects') throw new Error('odd')
    if (habit === 'never responds') return
    if (habit === 'fails with ENOENT')
      return reply?.(Object.assign(new Error('no such file'), { code: 'ENOENT' })) as undefined
    if (habit === 'responds late') setTimeout(() => reply?.(null, run()), 250)
    else reply?.(null, run())
    if (habit === 'calls back twice') reply?.(new Error('once more'))
  }
  const start = (method: string) => {
    if (next.get(method) !== 'throws') return
    next.delete(method)
    throw new Error('odd')
  }
  return {
    rows,
    next: (method, habit) => void next.set(method, habit),
    get(sid, callback) {
      start('get')
      return answer('get', callback, () => {
        const row = rows.get(sid)
        return row === undefined ? null : { ...JSON.parse(row), id: sid, __lastAccess: 'yesterday' }
      })
    },
    set(sid, session, callback) {
      start('set')
      return answer('set', callback, () => rows.set(sid, JSON.stringify(session)))
    },
    destroy(sid, callback) {
      start('destroy')
      return answer('destroy', callback, () => rows.delete(sid))
    },
  }
}
