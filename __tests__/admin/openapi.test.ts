import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, test } from '@jest/globals'
import SwaggerParser from '@apidevtools/swagger-parser'
import type { OpenAPI } from 'openapi-types'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { ADMIN_ERRORS } from '../../src/admin/error-codes.js'
import { openApiDocument } from '../../src/admin/openapi/openapi-document.js'
import { RESOURCES } from '../../src/admin/resources.js'
import { oauth2Provider } from '../../src/index.js'
import { adminGate, deploy, idsOf, startAdmin } from '../support/admin.js'
import { stopAll } from '../support/gate.js'

afterEach(stopAll)

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
const document = openApiDocument(version)
/** The validator changes what it validates. */
const copyOf = (value: object) => JSON.parse(JSON.stringify(value)) as OpenAPI.Document
const page = readFileSync('docs/admin-api.md', 'utf8')

describe('docs/openapi.json', () => {
  test('is what scripts/openapi.ts writes', () => {
    expect(JSON.parse(readFileSync('docs/openapi.json', 'utf8'))).toEqual(copyOf(document))
  })

  test('is a valid OpenAPI 3.1 document', async () => {
    const valid = await SwaggerParser.validate(copyOf(document))
    expect(valid).toMatchObject({ openapi: '3.1.0' })
  })

  test('an invalid one is found', async () => {
    const { info: _, ...broken } = document
    await expect(SwaggerParser.validate(copyOf(broken))).rejects.toThrow()
  })

  test('names every operation once', () => {
    const ids = RESOURCES.flatMap(({ operations }) => Object.values(operations).map(({ id }) => id))
    expect(new Set(ids).size).toBe(ids.length)
  })
})

describe('docs/admin-api.md', () => {
  test('lists every error with its status, and no other', () => {
    const rows = [...page.matchAll(/^\| (\d{3}) \| ((?:`\w+`(?:, )?)+) \|/gm)].flatMap(
      ([, status, codes = '']) =>
        [...codes.matchAll(/`(\w+)`/g)].map(([, code]) => [String(code), Number(status)] as const),
    )
    const expected = Object.entries(ADMIN_ERRORS).map(([code, [status]]) => [code, status])
    expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(expected))
    expect(rows).toHaveLength(expected.length)
  })

  test('lists every operation', () => {
    for (const { path, operations } of RESOURCES)
      for (const method of Object.keys(operations)) expect(page).toContain(`\`${method} ${path}`)
  })
})

/** A validator of the responses of an operation. */
function validatorFor(name: string) {
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  ajv.addSchema(copyOf(document), 'api')
  const validate = ajv.getSchema(`api#/components/schemas/${name}`)
  if (validate === undefined) throw new Error(`there is no schema ${name}`)
  return (value: unknown) => {
    void validate(value)
    return validate.errors ?? []
  }
}

test('every response has its schema', async () => {
  const acme = oauth2Provider({
    authorizationUrl: 'https://auth.acme.example/authorize',
    tokenUrl: 'https://auth.acme.example/token',
    userinfoUrl: 'https://auth.acme.example/me',
    clientId: 'a',
    clientSecret: 'b',
  })
  const gate = adminGate({
    provider: { github: { clientId: 'a', clientSecret: 'b' }, acme },
    configVersion: 1,
  })
  const app = await startAdmin({ '/': gate }, { options: { allowDisable: true } })
  await app.enter(gate, { id: 'ada', provider: 'github' })
  const [user] = idsOf(await app.call('GET', '/app/users'))
  const [session] = idsOf(await app.call('GET', '/app/sessions'))
  const edge = '/edges/https/main/routes/route-0/oauth'
  const connection = '/api/v2/connections/main.route-0.acme'
  const calls: readonly [string, string, string, object?][] = [
    ['UserList', 'GET', '/app/users'],
    ['User', 'GET', `/app/users/${String(user)}`],
    ['SessionList', 'GET', '/app/sessions'],
    ['Session', 'GET', `/app/sessions/${String(session)}`],
    ['Usage', 'GET', '/app/usage'],
    ['Empty', 'DELETE', `/app/sessions/${String(session)}`],
    ['Module', 'GET', edge],
    ['ChangedModule', 'PUT', edge, { provider: { github: { client_id: 'a' } } }],
    ['Empty', 'DELETE', edge],
    ['ConnectionList', 'GET', '/api/v2/connections'],
    ['Connection', 'GET', connection],
    ['ChangedConnection', 'PATCH', connection, { display_name: 'x' }],
    ['Error', 'GET', '/app/users/x'],
    ['Error', 'PUT', edge, { provider: { github: { client_id: 1 } } }],
  ]
  for (const [name, method, path, body] of calls) {
    const response = await app.call(method, path, deploy, { body })
    expect([name, response.status < 400, validatorFor(name)(response.body)]).toEqual([
      name,
      name !== 'Error',
      [],
    ])
  }
  expect(validatorFor('User')({})).not.toEqual([])
})
