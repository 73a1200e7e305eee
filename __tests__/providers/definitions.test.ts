import { describe, expect, test } from '@jest/globals'
import { defineProvider, oauthModule } from '../../src/index.js'
import { secret } from '../support/gate.js'

const valid = {
  clientId: 'a',
  clientSecret: 'b',
  openid: false,
  scopes: [],
  endpoints: { authorization: 'https://id.example/authorize', token: 'https://id.example/token' },
  identity: () => ({ id: '1', emailVerified: false, claims: {} }),
}

/** The message of the error that the definition causes at construction. */
function complaint(definition: unknown): string {
  try {
    oauthModule({ provider: { acme: defineProvider(definition as never) }, secret })
    return ''
  } catch (error) {
    if (error instanceof TypeError) return error.message
    throw error
  }
}

describe('a definition of defineProvider() is checked at construction', () => {
  test('a valid one passes', () => {
    expect(complaint(valid)).toBe('')
  })

  test.each<[string, unknown, RegExp]>([
    ['none', undefined, /requires an object/],
    ['a string', 'github', /requires an object/],
    ['no openid', { ...valid, openid: undefined }, /acme\.openid is missing/],
    ['no scopes', { ...valid, scopes: undefined }, /acme\.scopes is missing/],
    ['scopes in a string', { ...valid, scopes: 'a b' }, /acme\.scopes must be an array/],
    ['an empty scope', { ...valid, scopes: [''] }, /acme\.scopes must be an array/],
    ['no endpoints', { ...valid, endpoints: undefined }, /endpoints\.authorization is missing/],
    ['no way to read the user', { ...valid, identity: undefined }, /acme\.identity is missing/],
    ['a hook that is no function', { ...valid, identity: {} }, /acme\.identity must be a function/],
    ['a list in a string', { ...valid, membershipLists: 'teams' }, /acme\.membershipLists must be/],
    ['a rule that disappears', { ...valid, restriction: undefined }, /acme\.restriction is undef/],
    [
      'an OpenID Connect provider without keys',
      { ...valid, openid: true },
      /endpoints\.jwks is missing: set it, or issuer/,
    ],
  ])('%s is a mistake with a fix', (_, definition, message) => {
    expect(complaint(definition)).toMatch(message)
  })

  test('all mistakes are reported at once', () => {
    const lines = complaint({ ...valid, scopes: 'a', pkce: 'yes', validate: 1 }).split('\n')
    expect(lines).toHaveLength(3)
  })
})
