import { describe, expect, test } from '@jest/globals'
import { readTree } from '../support/architecture.js'
import { expressionsIn, problemOf } from '../support/regular-expressions.js'

// The others are a native binary, a Java archive, and code in this process, which Jest slows down.
process.env['RECHECK_BACKEND'] = 'worker'

async function problemsIn(file: string, code: string): Promise<string[]> {
  const problems = await Promise.all(expressionsIn(file, code).map(problemOf))
  return problems.filter((problem) => problem !== undefined)
}

describe('C5: regular expressions', () => {
  test('each one in src takes at most linear time, whatever the input', async () => {
    const found = [...readTree()].flatMap(([file, code]) => expressionsIn(file, code))
    expect(found.length).toBeGreaterThan(120)
    const problems: string[] = []
    const distinct = new Map(found.map((expression) => [expression.text, expression]))
    for (const expression of distinct.values())
      problems.push(...[await problemOf(expression)].filter((problem) => problem !== undefined))
    expect(problems).toEqual([])
  }, 300_000)

  test.each([
    ['one that trims', 'token.replace(/^ +| +$/g, "")', '2nd degree polynomial'],
    ['one that is searched for', '/\\/+$/.test(path)', '2nd degree polynomial'],
    ['nested repetition', '/^(?:[a-z]+)*$/.test(name)', 'exponential'],
    ['alternatives that overlap', 'text.split(/(?:a|[ab])*c/)', 'exponential'],
    ['lookahead, which cannot be proven', '/^(?!\\/)[a-z/]*$/.test(path)', 'unknown: unsupported'],
    ['a back reference, which cannot be proven', '/(a*)b\\1/.exec(text)', 'unknown: unsupported'],
  ])('%s is reported', async (_, code, reason) => {
    expect(await problemsIn('planted.ts', `\n${code}`)).toEqual([
      expect.stringMatching(/^planted\.ts:2 /),
    ])
    expect((await problemsIn('planted.ts', code))[0]).toContain(`(${reason})`)
  })

  test.each([
    'new RegExp(`^${name}$`)',
    'RegExp("a")',
    'new globalThis.RegExp(source)',
    'text.match("a+")',
    'text.matchAll(`a+`)',
    'text.search("a+$")',
  ])('%s is reported: the pattern of a constructor cannot be checked', async (code) => {
    expect(await problemsIn('planted.ts', code)).toEqual([
      `planted.ts:1 ${code} is not a literal, so it cannot be checked`,
    ])
  })
})
