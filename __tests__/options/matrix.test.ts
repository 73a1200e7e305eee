import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, describe, expect, test } from '@jest/globals'
import { oauthModule } from '../../src/index.js'
import { tried } from '../support/cases.js'
import {
  canary,
  contradictions,
  type Kind,
  type Row,
  type Table,
  tables,
} from '../support/option-rows.js'

class Carrier {
  [canary] = canary
  toString() {
    return canary
  }
}

/** One value of each kind, and of kinds that no option accepts. */
const samples: readonly (readonly [Kind | undefined, unknown])[] = [
  ['boolean', true],
  ['number', 4711],
  ['text', canary],
  ['list', [canary]],
  ['object', { key: canary }],
  ['instance', new Carrier()],
  ['instance', Object.create({ returnTo: '/', path: '/', provider: 1, clientId: canary })],
  ['function', () => canary],
  [undefined, null],
  [undefined, Symbol(canary)],
  [undefined, 4711n],
]

function complaint(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (error instanceof TypeError) return error.message
    throw error
  }
  return 'accepted'
}

/** Checks that a message names the option and the fix, and does not quote the value. */
function judge(message: string, name: string): string {
  if (message === 'accepted') return 'accepted'
  if (!message.includes(name)) return `does not name the option: ${message}`
  if (message.replace(/^.*?\s/, '').length < 15) return `names no cure: ${message}`
  return message.includes(canary) || message.includes('4711')
    ? `quotes the value: ${message}`
    : 'refused'
}

function wrongValues({ takes, bad }: Row): unknown[] {
  return [
    ...samples
      .filter(([kind]) => kind === undefined || !takes.includes(kind))
      .map(([, value]) => value),
    ...bad,
  ]
}

const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** The faults of one table: options whose wrong values got a wrong message. */
function faults(table: Table, ask: (name: string, row: Row) => readonly string[]): string[] {
  return Object.entries(table.rows).flatMap(([name, row]) =>
    ask(name, row).flatMap((verdict, index) =>
      verdict === 'refused' ? [] : [`${table.name} ${name} #${index}: ${verdict}`],
    ),
  )
}

/** Gates are weakly referenced, and therefore kept in memory until the end of the turn. */
afterEach(() => nextTurn())

describe.each(tables)('options of $name', (table) => {
  const { rows, apply } = table

  test('each accepts its valid values', () => {
    for (const [name, { good }] of Object.entries(rows)) {
      const needs = name === 'authCheckGrace' ? { authCheckInterval: 60 } : {}
      expect([name, complaint(() => apply({ ...needs, [name]: good }))]).toEqual([name, 'accepted'])
    }
  })

  test('S-086 S-102 each rejects wrong types and empty, duplicate or malformed values, by name and without quoting the value', () => {
    const wrong = (name: string, row: Row) =>
      tried(wrongValues(row)).map((value) =>
        judge(
          complaint(() => apply({ [name]: value })),
          name,
        ),
      )
    expect(faults(table, wrong)).toEqual([])
  })

  test('each rejects misspellings; snake_case is answered with the correct name', () => {
    const misspelt = (name: string, { good }: Row) => [
      judge(
        complaint(() => apply({ [`${name}x`]: good })),
        `'${name}x'`,
      ),
      ...(snake(name) === name
        ? []
        : [
            judge(
              complaint(() => apply({ [snake(name)]: good })),
              `write ${name}`,
            ),
          ]),
      judge(
        complaint(() => apply({ [name.toUpperCase()]: good })),
        `write ${name}`,
      ),
    ]
    expect(faults(table, misspelt)).toEqual([])
  })

  test('C9: undefined equals absent, except for required options and those that restrict who may pass', () => {
    for (const [name, { rejectsUndefined = false }] of Object.entries(rows)) {
      const message = complaint(() => apply({ [name]: undefined }))
      expect([name, rejectsUndefined ? judge(message, name) : message]).toEqual([
        name,
        rejectsUndefined ? 'refused' : 'accepted',
      ])
    }
  })

  test('S-102 inherited options are rejected', () => {
    const options = Object.fromEntries(Object.entries(rows).map(([name, { good }]) => [name, good]))
    expect(
      complaint(() =>
        apply(Object.defineProperty({}, '__proto__', { value: options, enumerable: true })),
      ),
    ).toMatch(/unknown option '__proto__'/)
  })
})

describe('options as a whole', () => {
  test('must be a plain object', () => {
    for (const [, value] of samples) {
      if (
        typeof value === 'object' &&
        value !== null &&
        Object.getPrototypeOf(value) === Object.prototype
      )
        continue
      expect([
        typeof value as string,
        judge(
          complaint(() => oauthModule(value as never)),
          'oauthModule',
        ),
      ]).toEqual([typeof value, 'refused'])
    }
    expect(complaint(() => oauthModule(undefined as never))).toMatch(
      /oauthModule must be an object/,
    )
  })

  afterEach(() => {
    for (const name of ['enabled', 'clientSecret', 'trustEmail'])
      Reflect.deleteProperty(Object.prototype, name)
  })

  test('S-102 nothing is read from a polluted prototype', () => {
    const [{ apply }] = tables as [Table]
    Object.assign(Object.prototype, { enabled: canary, clientSecret: canary, trustEmail: canary })
    expect(complaint(() => apply({}))).toBe('accepted')
    expect(complaint(() => apply({ provider: { github: { clientId: 'a' } } }))).toMatch(
      /clientSecret is missing/,
    )
  })

  test.each(contradictions)('%s is rejected in %j of %s', (name, options, of = 'oauthModule()') => {
    const table = tables.find((one) => one.name === of)
    expect(
      judge(
        complaint(() => table?.apply(options)),
        name,
      ),
    ).toBe('refused')
  })
})
