import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import { Ajv } from 'ajv'
import { parseArguments } from '../../src/command/arguments.js'
import { configSchema } from '../../src/command/config-schema.js'
import { loadConfiguration } from '../../src/command/configuration.js'
import { parseOAuth2Proxy, UnreadableFile } from '../../src/command/configuration-files.js'
import { runImport } from '../../src/command/import.js'
import { fixturePath, fixtures, importFixture, type ImportKind } from '../support/imported.js'

const folder = mkdtempSync(join(tmpdir(), 'import-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function run(kind?: string, file?: string) {
  let stdout = ''
  let stderr = ''
  const code = await runImport(kind, file, {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
  })
  return { code, stdout, stderr }
}

function written(name: string, text: string): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}

const kinds: ImportKind[] = ['ngrok', 'traffic-policy', 'auth0', 'oauth2-proxy']
/** All but the one that names other files. */
const all = kinds.flatMap((kind) =>
  fixtures(kind)
    .filter((file) => file !== 'google-emails.cfg')
    .map((file) => [kind, file] as const),
)

test.each(all)(
  'import %s prints options and settings of %s, and what differs',
  async (kind, file) => {
    const { code, stdout, stderr } = await run(kind, fixturePath(kind, file))
    const { options, command, differences, unsupported } = importFixture(kind, file)
    const printed = JSON.parse(stdout)
    expect(printed).toEqual({ ...options, ...command })
    expect(code).toBe(unsupported.length > 0 ? 1 : 0)
    for (const { name, message } of [...differences, ...unsupported])
      expect(stderr).toContain(`  ${name} ${message}\n`)
    expect(stderr).not.toMatch(/(?:app-1|redis|basic|signature|header|key)-secret|OQINaRO/)
  },
)

const isValid = new Ajv({ strict: false, validateFormats: false }).compile(configSchema())

test.each(all)(
  'what import %s prints of %s is a configuration file of the command',
  async (...one) => {
    const [kind, name] = one
    const { stdout } = await run(kind, fixturePath(kind, name))
    const file = written('gate.json', stdout)
    const { json, settings } = loadConfiguration(parseArguments(['--config', file]), {})
    const { options, command } = importFixture(kind, name)
    expect(json).toEqual(options)
    expect(settings).toMatchObject(command)
    // Without a provider, there is nothing to start.
    const hasProvider = Object.keys(options.provider ?? {}).length > 0
    expect({ isValid: isValid(JSON.parse(stdout)), errors: isValid.errors }).toMatchObject({
      isValid: hasProvider,
    })
  },
)

test('files that a configuration of oauth2-proxy names are read, next to it', async () => {
  const { stdout, stderr } = await run(
    'oauth2-proxy',
    fixturePath('oauth2-proxy', 'google-emails.cfg'),
  )
  expect(JSON.parse(stdout).provider.google).toEqual({
    clientId: 'app-1',
    clientSecret: 'app-1-secret',
    allOf: [
      {
        emailAddresses: ['bob@partner.example', 'eve@partner.example'],
        emailDomains: ['acme.example'],
      },
    ],
  })
  expect(stderr).not.toContain('authenticated_emails_file')
})

test('the report starts with what was not converted', async () => {
  const { stderr } = await run('traffic-policy', fixturePath('traffic-policy', 'github.yaml'))
  expect(stderr).toMatch(
    /^Not converted, and to be replaced by hand:\n {2}on_http_request\[1\]\.actions\[0\] .*\n\nConverted, with differences:\n {2}redirect URI /,
  )
})

describe('mistakes', () => {
  test.each([[], ['ngrok'], ['ngork', 'file.json'], ['toString', 'file.json']])(
    'arguments %j print the usage, with exit code 2',
    async (...[kind, file]) => {
      expect(await run(kind, file)).toEqual({
        code: 2,
        stdout: '',
        stderr: 'Usage: oauth-module import ngrok|traffic-policy|auth0|oauth2-proxy FILE\n',
      })
    },
  )

  test('a file that does not exist, or is a folder, is named', async () => {
    const missing = join(folder, 'missing.json')
    expect(await run('ngrok', missing)).toMatchObject({
      code: 2,
      stderr: `${missing} cannot be read (ENOENT)\n`,
    })
    expect(await run('ngrok', folder)).toMatchObject({ code: 2, stdout: '' })
  })

  test.each<[ImportKind, string, string]>([
    [
      'ngrok',
      '{"provider": {"google": {"client_secret": "top-secret", }',
      'is neither JSON nor YAML',
    ],
    ['traffic-policy', 'a: top-secret\n  b: [', 'is neither JSON nor YAML (line 1)'],
    ['auth0', '"top-secret"', 'does not contain an object'],
    ['auth0', '', 'does not contain an object'],
    ['oauth2-proxy', 'client_secret = top-secret', 'is not TOML (line 1)'],
    ['oauth2-proxy', '--client-secret=a top-secret', 'has a value without a flag, as argument 2'],
    ['ngrok', '{"provider": {"google": {"client_secret": 7}}}', 'must be a string'],
  ])('%s: a file with %j is reported without its contents', async (kind, text, message) => {
    const file = written('broken', text)
    const { code, stdout, stderr } = await run(kind, file)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('top-secret')
  })
})

describe('forms of a configuration of oauth2-proxy', () => {
  const settings = {
    provider: 'github',
    email_domains: ['a.example', 'b.example'],
    skip_provider_button: true,
    client_secret: 'a "quoted" $ecret # no comment',
  }

  test.each<[string, string]>([
    [
      'configuration file',
      `# comment\nprovider = "github" # another\nemail_domains = [\n  "a.example", # one\n  "b.example",\n]\nskip_provider_button = true\nclient_secret = 'a "quoted" $ecret # no comment'\n`,
    ],
    ['JSON', JSON.stringify(settings)],
    [
      'YAML',
      `provider: github\nemail_domains:\n  - a.example\n  - b.example\nskip_provider_button: true\nclient_secret: 'a "quoted" $ecret # no comment'\n`,
    ],
  ])('%s', (_, text) => {
    expect(parseOAuth2Proxy(text)).toEqual(settings)
  })

  test('environment variables', () => {
    expect(
      parseOAuth2Proxy(
        `# comment\nOAUTH2_PROXY_PROVIDER=github\nexport OAUTH2_PROXY_EMAIL_DOMAINS=a.example,b.example\r\nOAUTH2_PROXY_CLIENT_SECRET='a "quoted" $ecret # no comment'\n`,
      ),
    ).toEqual({
      OAUTH2_PROXY_PROVIDER: 'github',
      OAUTH2_PROXY_EMAIL_DOMAINS: 'a.example,b.example',
      OAUTH2_PROXY_CLIENT_SECRET: settings.client_secret,
    })
  })

  test.each([
    `--provider=github --email-domain=a.example --email-domain b.example --skip-provider-button --client-secret 'a "quoted" $ecret # no comment'`,
    `/bin/oauth2-proxy \\\n  --provider github \\\n  --email-domain=a.example,b.example \\\n  --skip-provider-button=true \\\n  --client-secret="a \\"quoted\\" \\$ecret # no comment"`,
    `oauth2-proxy -provider=github -email-domain=a.example -email-domain=b.example -skip-provider-button -client-secret='a "quoted" $ecret # no comment'`,
  ])('flags: %s', (text) => {
    const flags = Object.entries(parseOAuth2Proxy(text)).map(([name, value]) => [
      name.replace(/^-+/, ''),
      String(value),
    ])
    expect(Object.fromEntries(flags)).toEqual({
      provider: 'github',
      'email-domain': 'a.example,b.example',
      'skip-provider-button': 'true',
      'client-secret': settings.client_secret,
    })
  })

  test('a flag that is given twice has its last value, unless it is a list', () => {
    expect(parseOAuth2Proxy('--provider=google --provider=github')).toEqual({
      '--provider': 'github',
    })
  })

  test('something else throws', () => {
    expect(() => parseOAuth2Proxy('<xml/>')).toThrow(UnreadableFile)
  })
})
