import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { Ajv } from 'ajv'
import { validate } from 'dockerfile-utils'
import { parse, parseAllDocuments } from 'yaml'
import { configSchema } from '../../src/command/config-schema.js'

const folder = join(__dirname, '../../examples/deploy')
const read = (name: string) => readFileSync(join(folder, name), 'utf8')

/** Anything that YAML contains. */
interface Node {
  [name: string]: Node
}
const at = (node: Node | undefined, ...names: (string | number)[]): Node | undefined =>
  names.reduce<Node | undefined>((found, name) => found?.[name], node)

describe('the files of examples/deploy', () => {
  test('gate.yaml is a valid configuration', () => {
    const isValid = new Ajv({ validateFormats: false }).compile(configSchema())
    expect([isValid(parse(read('gate.yaml'))), isValid.errors]).toEqual([true, null])
  })

  test('the container is not root, read-only, and has a health check', () => {
    const dockerfile = read('Dockerfile')
    const instructions = dockerfile
      .replaceAll(/\\\n/g, ' ')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
    expect(validate(dockerfile)).toEqual([])
    const last = (name: string) => instructions.findLast((line) => line.startsWith(name)) ?? ''
    expect(last('USER')).toBe('USER node')
    expect(last('HEALTHCHECK')).toContain('/auth/health')
    for (const name of ['ENTRYPOINT', 'CMD'])
      expect(Array.isArray(JSON.parse(last(name).slice(name.length)))).toBe(true)
    expect(dockerfile).not.toMatch(/:latest|ADD |curl|sudo|SECRET/)
  })

  test('the containers of compose.yaml and kubernetes.yaml can write nothing', () => {
    const compose = parse(read('compose.yaml')) as Node
    expect(at(compose, 'services', 'gate', 'read_only')).toBe(true)
    expect(at(compose, 'services', 'gate', 'cap_drop')).toEqual(['ALL'])
    expect(at(compose, 'services', 'app', 'ports')).toBeUndefined()
    const documents = parseAllDocuments(read('kubernetes.yaml'))
    expect(documents.flatMap((document) => ('errors' in document ? document.errors : []))).toEqual(
      [],
    )
    const manifests = [...documents].map((document) => document.toJS() as Node)
    expect(manifests.map(({ kind }) => kind)).toEqual([
      'Deployment',
      'Service',
      'PodDisruptionBudget',
    ])
    const container = at(manifests[0], 'spec', 'template', 'spec', 'containers', 0)
    expect(at(container, 'securityContext')).toMatchObject({
      runAsNonRoot: true,
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    })
    expect(at(container, 'livenessProbe', 'httpGet', 'path')).toBe('/auth/health')
    expect(at(container, 'readinessProbe', 'httpGet', 'path')).toBe('/auth/ready')
    const labels = at(manifests[0], 'spec', 'selector', 'matchLabels')
    expect(at(manifests[0], 'spec', 'template', 'metadata', 'labels')).toEqual(labels)
    expect(at(manifests[1], 'spec', 'selector')).toEqual(labels)
  })

  test('the unit passes secrets as credentials, and only directives of systemd', () => {
    const lines = read('oauth-module.service')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
    for (const line of lines) expect(line).toMatch(/^(?:\[\w+\]|[A-Z]\w+=.*)$/)
    expect(lines.filter((line) => line.startsWith('LoadCredential='))).toHaveLength(2)
    expect(lines).toEqual(expect.arrayContaining(['DynamicUser=yes', 'ProtectSystem=strict']))
  })

  test('Traefik removes and copies the identity headers', () => {
    const traefik = parse(read('traefik.yaml')) as Node
    const forwardAuth = at(traefik, 'http', 'middlewares', 'gate', 'forwardAuth')
    expect(forwardAuth).toMatchObject({ authResponseHeadersRegex: '(?i)^ngrok' })
  })
})
