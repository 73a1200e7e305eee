import { describe, expect, test } from '@jest/globals'
import { AdminError } from '../../src/admin/errors.js'
import { parseStrictJson } from '../../src/admin/strict-json.js'

function parse(text: string | Uint8Array): unknown {
  return parseStrictJson(typeof text === 'string' ? Buffer.from(text) : text)
}

function rejection(text: string | Uint8Array): { code: string; field: unknown; message: string } {
  try {
    parse(text)
  } catch (error) {
    if (error instanceof AdminError)
      return { code: error.code, field: error.details.field, message: error.message }
    throw error
  }
  throw new Error('it was not rejected')
}

describe('strict JSON', () => {
  test.each([
    '{}',
    '[]',
    '"a"',
    ' {"a":[1,-2.5,true,false,null,"x"],"b":{"c":"\\u00e9\\ud83d\\ude00","a":1}}\n',
    '{"a":{"x":1},"b":{"x":1},"c":[{"x":1},{"x":2}]}',
    '{"a\\"b":1,"a,b":2,"{":3,"}":4,":":5}',
    '{"":1}',
    '[9007199254740991]',
  ])('%s is what JSON.parse returns', (text) => {
    expect(parse(text)).toEqual(JSON.parse(text))
  })

  test.each<[string, string | Uint8Array]>([
    ['nothing', ''],
    ['whitespace', ' \n'],
    ['an object that does not end', '{"a":1'],
    ['something after the end', '{"a":1} x'],
    ['a second object', '{}{}'],
    ['a comma at the end', '{"a":1,}'],
    ['a name without quotes', '{a:1}'],
    ['single quotes', "{'a':1}"],
    ['a comment', '{/* */}'],
    ['NaN', '{"a":NaN}'],
    ['a byte order mark', '\ufeff{}'],
    ['UTF-16', Buffer.from('{}', 'utf16le')],
    ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ['an overlong encoding', Buffer.from([0x7b, 0x22, 0xc0, 0xaf, 0x22, 0x3a, 0x31, 0x7d])],
    ['an encoded surrogate', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ['11 levels', '['.repeat(11) + ']'.repeat(11)],
    ['very many levels', '['.repeat(30_000)],
    ['very many objects', '{"a":'.repeat(12_000) + '1' + '}'.repeat(12_000)],
  ])('rejects %s', (_, text) => {
    expect(rejection(text).code).toBe('ERR_NGROK_213')
  })

  test.each([
    ['{"a":1,"a":1}', 'a'],
    ['{"a":1,"\\u0061":2}', 'a'],
    ['{"module":{"provider":{"github":{"teams":[],"teams":[]}}}}', 'module.provider.github.teams'],
    ['[{"a":1},{"a":1,"b":[{"c":1,"c":2}]}]', '[1].b[0].c'],
    ['{"é":1,"é":2}', '?'],
  ])('names the field that %s contains twice', (text, field) => {
    expect(rejection(text)).toMatchObject({ code: 'ERR_NGROK_213', field })
  })

  test.each([
    ['{"__proto__":{"enabled":false}}', '__proto__'],
    ['{"a":{"constructor":{"prototype":{}}}}', 'a.constructor'],
    ['{"a":[{"\\u005f_proto__":1}]}', 'a[0].__proto__'],
    ['{"prototype":1}', 'prototype'],
    ['{"\\ud800":1}', '?'],
  ])('names the field of %s', (text, field) => {
    expect(rejection(text)).toMatchObject({ code: 'ERR_NGROK_214', field })
  })

  test.each([
    ['{"a":1e400}', 'a'],
    ['{"a":[0,-1e400]}', 'a[1]'],
    ['{"a":9007199254740992}', 'a'],
    ['{"a":{"b":123456789012345678901234567890}}', 'a.b'],
    ['{"a":"\\ud800"}', 'a'],
    ['{"a":["x","\\udc00x"]}', 'a[1]'],
  ])('rejects the value of %s', (text, field) => {
    expect(rejection(text)).toMatchObject({ code: 'ERR_NGROK_215', field })
  })

  test('never quotes the body', () => {
    for (const text of [
      '{"client_secret":"hunter2" x',
      '{"client_secret":"hunter2',
      '{"a":hunter2}',
    ])
      expect(JSON.stringify(rejection(text))).not.toContain('hunter2')
  })

  test('comes to an end for any body of 64 kB', () => {
    const bodies = [
      `{${Array.from({ length: 6000 }, (_, index) => `"k${index}":1`).join(',')}}`,
      `["${'\\\\'.repeat(32_000)}"]`,
      `[${'1,'.repeat(32_000)}1]`,
      `"${'a'.repeat(65_000)}`,
      ' '.repeat(65_000),
      '"'.repeat(65_000),
    ]
    // Quadratic time would exceed the limit of the test.
    for (const body of bodies) {
      try {
        parse(body)
      } catch (error) {
        expect(error).toBeInstanceOf(AdminError)
      }
    }
  })
})
