import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseDocument, parseOAuth2Proxy } from '../../src/command/configuration-files.js'
import type { VendorName, VendorServer, VendorUser } from '../../src/dev/vendors/index.js'
import {
  fromAuth0Connection,
  fromNgrokModule,
  fromNgrokTrafficPolicy,
  fromOAuth2Proxy,
  type ImportResult,
  type JsonOptions,
  type OAuth2ProxyFiles,
} from '../../src/import/index.js'
import { memoryStore, oauthModule, type OAuthModuleOptions } from '../../src/index.js'
import { optionsFromJson } from '../../src/options/json-options.js'
import { secret, startGate } from './gate.js'
import { type Attempt, logIn, startVendor } from './providers.js'

type Facts = Record<string, unknown>

const importers = {
  ngrok: [parseDocument, fromNgrokModule],
  'traffic-policy': [parseDocument, fromNgrokTrafficPolicy],
  auth0: [parseDocument, fromAuth0Connection],
  'oauth2-proxy': [parseOAuth2Proxy, fromOAuth2Proxy],
} as const

export type ImportKind = keyof typeof importers

export function fixturePath(kind: ImportKind, file: string): string {
  return join(process.cwd(), '__tests__/import/fixtures', kind, file)
}

/** The fixtures of a product that are configurations. */
export function fixtures(kind: ImportKind): string[] {
  return readdirSync(fixturePath(kind, '')).filter((name) => !name.endsWith('.txt'))
}

/** A fixture as the importer gets it. */
export function readFixture(kind: ImportKind, file: string): Facts {
  return importers[kind][0](readFileSync(fixturePath(kind, file), 'utf8'))
}

export function importFixture(
  kind: ImportKind,
  file: string,
  files: OAuth2ProxyFiles = {},
): ImportResult {
  return importers[kind][1](readFixture(kind, file), files)
}

/** The names of what was reported, without duplicates. */
export function names(entries: ImportResult['differences']): string[] {
  return [...new Set(entries.map(({ name }) => name))]
}

/** The only provider of imported options. */
export function providerIn(options: JsonOptions): [name: string, options: Facts] {
  const [entry, ...more] = Object.entries(options.provider as Record<string, Facts>)
  if (entry === undefined || more.length > 0) throw new Error('not one provider')
  return entry
}

/** Changes the options of the only provider. */
export function withProvider(options: JsonOptions, change: Facts): JsonOptions {
  const [name, provider] = providerIn(options)
  return { ...options, provider: { [name]: { ...provider, ...change } } }
}

/** Options of the gate. A Redis becomes the memory of the process. */
export function started(options: JsonOptions): OAuthModuleOptions {
  return optionsFromJson(options, { connect: () => memoryStore() })
}

/** What `oauthModule()` says against imported options as they are; nothing if it takes them. */
export function refusalOf(options: JsonOptions): string | undefined {
  const silent = { debug() {}, info() {}, warn() {}, error() {} }
  try {
    oauthModule({ secret, logger: silent, ...started(options) })
    return undefined
  } catch (error) {
    return error instanceof TypeError ? error.message : `no TypeError: ${String(error)}`
  }
}

const vendors: Record<string, VendorName> = {
  keycloak: 'oidc',
  adfs: 'oidc',
  'login-gov': 'oidc',
}

function vendorOf(name: string, { type }: Facts): VendorName {
  return (type as VendorName | undefined) ?? vendors[name] ?? (name as VendorName)
}

/**
 * Logs these users in through a gate with imported options, one after the other. Only addresses are
 * replaced: those of the provider by those of its simulation, and those of the app by loopback.
 */
export async function logInWith(options: JsonOptions, ...users: VendorUser[]): Promise<Attempt[]> {
  const { vendor, atVendor } = await simulated(options, users[0] as VendorUser)
  const gate = await startGate(started(atVendor))
  const attempts: Attempt[] = []
  for (const user of users) {
    vendor.user = user
    attempts.push(await logIn({ gate }))
  }
  return attempts
}

/** Imported options whose provider is simulated, and in which no address of the app is fixed. */
export async function simulated(
  options: JsonOptions,
  user: VendorUser,
): Promise<{ vendor: VendorServer; atVendor: JsonOptions }> {
  const [name, provider] = providerIn(options)
  const { clientId, clientSecret, tenant } = provider
  const vendor = await startVendor(vendorOf(name, provider), {
    users: [user],
    clientId: String(clientId),
    clientSecret: String(clientSecret),
    settings: tenant === undefined ? {} : { tenant: String(tenant) },
  })
  const atVendor = {
    ...withoutAddresses(options),
    provider: { [name]: await pointedAt(provider, vendor) },
  } as JsonOptions
  return { vendor, atVendor }
}

function withoutAddresses({ baseUrl: _, cookie: __, ...options }: JsonOptions): JsonOptions {
  return options
}

async function pointedAt(provider: Facts, vendor: VendorServer): Promise<Facts> {
  const { baseUrl: _, endpoints, insecureHttp: __, ...options } = provider
  const addresses = Object.fromEntries(
    Object.entries(vendor.options).filter(([name]) => !/^client(?:Id|Secret)$|^tenant$/.test(name)),
  )
  const result = { ...options, ...addresses }
  return vendor.vendor === 'oidc' && endpoints instanceof Object
    ? { ...result, endpoints: await endpointsOf(vendor, Object.keys(endpoints)) }
    : result
}

const DISCOVERED: Record<string, string> = {
  authorization: 'authorization_endpoint',
  token: 'token_endpoint',
  userinfo: 'userinfo_endpoint',
  jwks: 'jwks_uri',
}

async function endpointsOf(vendor: VendorServer, wanted: string[]): Promise<Facts> {
  const issuer = String(vendor.options['issuer'])
  const response = await fetch(`${issuer}/.well-known/openid-configuration`)
  const document = (await response.json()) as Facts
  return Object.fromEntries(wanted.map((name) => [name, document[DISCOVERED[name] ?? '']]))
}

/** A user with a verified address. */
export function userWith(email: string, more: Partial<VendorUser> = {}): VendorUser {
  return { id: 1815, username: 'ada', name: 'Ada', email, emailVerified: true, ...more }
}

/** The registration that every fixture has. */
export const client = { clientId: 'app-1', clientSecret: 'app-1-secret' }
/** Whom the rules of most fixtures allow. */
export const ada = userWith('ada@acme.example')
/** Whom the rules of most fixtures deny. */
export const eve = userWith('eve@evil.example')

/** Entries of `allowPath` for a path that is open with every method. */
export function everyMethod(path: string): string[] {
  return ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].map((method) => `${method} ${path}`)
}
