import { afterEach, describe, expect, test } from '@jest/globals'
import { type Logger, memoryStore, oauthModule } from '../../src/index.js'
import { durationInWords } from '../../src/options/durations.js'
import { secret } from '../support/gate.js'

const logged: string[] = []
const logger: Logger = {
  debug: () => undefined,
  info: (message) => void logged.push(`info ${message}`),
  warn: (message) => void logged.push(`warn ${message}`),
  error: (message) => void logged.push(`error ${message}`),
}
const github = { clientId: 'the-client-id', clientSecret: 'the-client-secret' }
const basics = { secret, logger, store: memoryStore(), provider: { github } }

afterEach(() => {
  logged.length = 0
  process.env['NODE_ENV'] = 'test'
})

const create = (options: object) => oauthModule({ ...basics, ...options })
function mistakesOf(options: object): readonly string[] {
  try {
    create(options)
  } catch (error) {
    return (error as Error).message.split('\n')
  }
  return []
}
const atGithub = (more: object) => mistakesOf({ provider: { github: { ...github, ...more } } })

describe('C9: the message about an unknown option names the option that was meant', () => {
  test.each([
    ['organisations', 'organizations'],
    ['orgs', 'organizations'],
    ['org', 'organizations'],
    ['github_org', 'organizations'],
    ['team', 'teams'],
    ['scope', 'scopes'],
    ['email_domains', 'emailDomains'],
    ['domains', 'emailDomains'],
    ['emails', 'emailAddresses'],
    ['clientID', 'clientId'],
    ['client_secret', 'clientSecret'],
    ['authParams', 'authorizationParams'],
    ['auth_params_map', 'authorizationParamsMap'],
    ['customHeaders', 'tokenHeaders'],
    ['all_of', 'allOf'],
  ])('of a provider: %s', (wrong, right) => {
    expect(atGithub({ [wrong]: ['acme'] })).toEqual([
      `oauthModule.provider.github has an unknown option '${wrong}': write ${right}`,
    ])
  })

  test.each([
    ['maxAge', 'maximumDuration'],
    ['auth_check_interval', 'authCheckInterval'],
    ['idleTimeout', 'inactivityTimeout'],
    ['cookieSecret', 'secret'],
  ])('of oauthModule(): %s', (wrong, right) => {
    expect(mistakesOf({ [wrong]: 5 })).toEqual([
      `oauthModule has an unknown option '${wrong}': write ${right}`,
    ])
  })

  test.each(['callbackURL', 'redirectUri', 'redirect_uri', 'callbackUrl'])(
    'where the redirect URI comes from: %s',
    (wrong) => {
      for (const [message] of [mistakesOf({ [wrong]: '/x' }), atGithub({ [wrong]: '/x' })])
        expect(message).toMatch(/: write callbackPath$/)
    },
  )

  test.each([
    ['organisations', 'organizations'],
    ['orgs', 'organizations'],
    ['team', 'teams'],
    ['emailDomain', 'emailDomains'],
    ['email_addresses', 'emailAddresses'],
    ['group', 'groups'],
    ['scope', 'scopes'],
    ['max_age', 'maxAge'],
    ['autorize', 'authorize'],
    ['allof', 'allOf'],
    ['acceptSilentLogins', 'acceptSilentLogin'],
  ])('of requireAuth(): %s', (wrong, right) => {
    const auth = create({})
    expect(() => auth.requireAuth({ [wrong]: ['acme'] })).toThrow(
      new TypeError(`requireAuth() has an unknown option '${wrong}': write ${right}`),
    )
  })

  test('of a rule set in requireAuth({ allOf })', () => {
    expect(() => create({}).requireAuth({ allOf: [{ orgs: ['acme'] } as object] })).toThrow(
      "requireAuth().allOf[0] has an unknown option 'orgs': write organizations",
    )
  })

  test('that it belongs to a provider, or to oauthModule()', () => {
    expect(mistakesOf({ organisations: ['acme'] })).toEqual([
      expect.stringMatching(
        /'organisations'; known are .*\. organizations is an option of a provider/,
      ),
    ])
    expect(atGithub({ authcheckInterval: 300 })).toEqual([
      expect.stringMatching(
        /'authcheckInterval'; known are .*\. authCheckInterval is an option of oauthModule\(\)$/,
      ),
    ])
  })

  test('the name of a provider', () => {
    expect(mistakesOf({ provider: { gihub: github } })).toEqual([
      'oauthModule.provider.gihub is misspelled: write github',
    ])
    expect(mistakesOf({ provider: 'gihub' })).toEqual([
      expect.stringMatching(/provider must be one of github, .*: write github$/),
    ])
  })

  test('the JSON of ngrok gets one message for each of its names at once', () => {
    const ngrok = {
      options_passthrough: false,
      cookie_prefix: 'ngrok.',
      inactivity_timeout: 0,
      maximum_duration: 0,
      auth_check_interval: 0,
      provider: {
        github: { client_id: 'x', client_secret: 'y', email_addresses: [], organizations: ['a'] },
      },
    }
    const found = mistakesOf(ngrok).map((line) => line.replace(/^.*: write /, ''))
    expect(found.slice(0, 8)).toEqual([
      'optionsPassthrough',
      'cookiePrefix',
      'inactivityTimeout',
      'maximumDuration',
      'authCheckInterval',
      'clientId',
      'clientSecret',
      'emailAddresses',
    ])
  })
})

describe('C9: wildcards in rules', () => {
  test.each([
    ['emailDomains', '*.corp.com', /no wildcards, and a domain does not match its subdomains/],
    ['emailDomains', '.corp.com', /no wildcards, and a domain does not match its subdomains/],
    ['emailDomains', '*', /no wildcards/],
    ['emailDomains', '@corp.com', /leave out the @/],
    ['emailAddresses', '*@corp.com', /no wildcards, list domains in emailDomains/],
    ['organizations', 'acme-*', /no wildcards/],
    ['teams', 'acme/*', /no wildcards/],
  ])('%s: %s is explained', (list, entry, message) => {
    expect(atGithub({ [list]: [entry] })).toEqual([expect.stringMatching(message)])
  })
})

describe('C9: durations', () => {
  test('that look like milliseconds cause a warning that states what they mean', () => {
    create({ authCheckInterval: 300_000, maximumDuration: 3_600_000, inactivityTimeout: 900_000 })
    expect(logged.filter((line) => line.startsWith('warn'))).toEqual([
      'warn inactivityTimeout looks like milliseconds, but it is in seconds: it means 10 d 10 h',
      'warn maximumDuration looks like milliseconds, but it is in seconds: it means 41 d 16 h',
      'warn authCheckInterval looks like milliseconds, but it is in seconds: it means 3 d 11 h',
    ])
    logged.length = 0
    create({ authCheckInterval: 9_000, maximumDuration: 86_400 })
    expect(logged.filter((line) => line.startsWith('warn'))).toEqual([])
  })

  test('of a guard that look like milliseconds cause a warning', () => {
    create({}).requireAuth({ maxAge: 600_000, acceptSilentLogin: true })
    expect(logged).toContain(
      'warn requireAuth().maxAge looks like milliseconds, but it is in seconds: it means 6 d 22 h',
    )
  })

  test('are at most one year, and the message names milliseconds', () => {
    expect(mistakesOf({ maximumDuration: 365 * 86_400 })).toEqual([])
    expect(mistakesOf({ maximumDuration: 365 * 86_400 + 1 })).toEqual([
      'oauthModule.maximumDuration must be a number of seconds from 0 to 31536000',
    ])
    expect(mistakesOf({ maximumDuration: 86_400_000, timeouts: { provider: 10_000 } })).toEqual([
      expect.stringMatching(/maximumDuration .*: it looks like milliseconds$/),
      expect.stringMatching(/timeouts\.provider .*: it looks like milliseconds$/),
    ])
  })

  test.each<[object, string]>([
    [
      { authCheckInterval: 300, maximumDuration: 86_400 },
      're-checked every 5 min, signed out after 24 h',
    ],
    [
      { maximumDuration: 2_592_001, inactivityTimeout: 1800 },
      'checked only at login, signed out after 30 d or after 30 min without a request',
    ],
    [{ authCheckInterval: 90 }, 're-checked every 90 s'],
  ])('%j are stated in words at startup', (options, words) => {
    create(options)
    expect(logged).toContain(`info users are ${words}`)
  })

  test('one line states in production that sessions never end', () => {
    process.env['NODE_ENV'] = 'production'
    create({})
    expect(logged.filter((line) => line.includes('sessions never end'))).toEqual([
      'info users are checked only at login; sessions never end: set maximumDuration or inactivityTimeout',
    ])
    logged.length = 0
    create({ authCheckInterval: 300 })
    expect(logged.filter((line) => line.includes('re-checked'))).toEqual([
      'info users are re-checked every 5 min; sessions never end: set maximumDuration or inactivityTimeout',
    ])
    logged.length = 0
    process.env['NODE_ENV'] = 'development'
    create({})
    expect(logged.filter((line) => line.startsWith('info users'))).toEqual([])
  })

  test.each([
    [500, '0.5 s'],
    [60_000, '60 s'],
    [150_000, '2 min 30 s'],
    [3_600_000, '60 min'],
    [7_200_000, '2 h'],
    [86_400_000, '24 h'],
    [172_800_000, '2 d'],
    [180_061_000, '2 d 2 h'],
  ])('%d ms in words are "%s"', (ms, words) => {
    expect(durationInWords(ms)).toBe(words)
  })
})
