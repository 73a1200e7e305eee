import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { run, runtime } from '../support/package.js'

const root = resolve(__dirname, '../..')
const facts = {
  name: 'oauth-module',
  version: '1.2.0',
  repository: 'https://github.com/acme/oauth-module',
  homepage: 'https://github.com/acme/oauth-module#readme',
  bugs: 'https://github.com/acme/oauth-module/issues',
  scripts: { build: 'tsup' } as Record<string, string>,
}
const changes = (section: string, unreleased = '') =>
  `# Changelog\n\n## [Unreleased]\n${unreleased}\n## ${section}\n\n- A change\n\n## [1.1.0] - 2026-01-02\n\n- An older change\n`

describe('the check of a release', () => {
  let folder: string

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'oauth-module-release-'))
    await commit({})
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  async function commit(
    more: Partial<Record<keyof typeof facts, unknown>>,
    changelog = changes('[1.2.0] - 2026-11-28'),
  ) {
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...facts, ...more }))
    writeFileSync(join(folder, 'CHANGELOG.md'), changelog)
    const identity = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com']
    for (const args of [
      ['init', '-q'],
      ['add', '-A'],
      [...identity, 'commit', '-qm', 'Release'],
    ])
      expect(await run(folder, 'git', args)).toEqual({ code: 0, output: '' })
  }
  const check = (tag = 'v1.2.0') =>
    run(folder, process.execPath, [join(root, 'scripts/release.js'), tag, folder])

  test('prints the notes of the release', async () => {
    expect(await check()).toEqual({ code: 0, output: '- A change\n' })
  })

  test.each<[string, () => Promise<unknown>, string]>([
    ['another tag', async () => undefined, 'the tag v9.9.9 is not v1.2.0'],
    [
      'a version without changes',
      () => commit({}, changes('[1.1.5] - 2026-11-28')),
      'CHANGELOG.md has no changes below "## [1.2.0] - YYYY-MM-DD"',
    ],
    [
      'a version without a date',
      () => commit({}, changes('[1.2.0]')),
      'CHANGELOG.md has no changes below "## [1.2.0] - YYYY-MM-DD"',
    ],
    [
      'changes that are still unreleased',
      () => commit({}, changes('[1.2.0] - 2026-11-28', '\n- Forgotten\n')),
      'CHANGELOG.md has changes below "## [Unreleased]"',
    ],
    [
      'files that are not committed',
      async () => writeFileSync(join(folder, 'index.js'), ''),
      'files have changed since the commit: ?? index.js',
    ],
    [
      'an install script',
      () => commit({ scripts: { postinstall: 'node x.js' } }),
      'scripts that run when the package is installed: postinstall',
    ],
    ['no repository', () => commit({ repository: undefined }), 'package.json lacks repository'],
  ])('rejects %s', async (what, prepare, problem) => {
    await prepare()
    const { code, output } = await check(what === 'another tag' ? 'v9.9.9' : undefined)
    expect(output).toContain(problem)
    expect(code).toBe(1)
  })
})

test('the software bill of materials lists what is installed and what is bundled', async () => {
  const { code, output } = await run(root, process.execPath, ['scripts/sbom.js'])
  expect({ code, output }).toMatchObject({ code: 0 })
  const { bomFormat, metadata, components } = JSON.parse(output) as {
    bomFormat: string
    metadata: { component: { name: string } }
    components: { name: string; group?: string; hashes: unknown[]; licenses: unknown[] }[]
  }
  expect([bomFormat, metadata.component.name]).toEqual(['CycloneDX', 'oauth-module'])
  const notices = readFileSync(join(root, 'dist/THIRD-PARTY-NOTICES.txt'), 'utf8')
  const bundled = [...notices.matchAll(/^((?:@[\w.-]+\/)?[\w.-]+) \d+\.\d+\.\d+\S* \(/gm)].map(
    ([, name]) => name,
  )
  const listed = components.map(({ group, name }) => (group ? `${group}/${name}` : name))
  expect(new Set(listed)).toEqual(new Set([...runtime, ...bundled]))
  for (const { hashes, licenses } of components)
    expect([hashes.length, licenses.length]).toEqual([1, 1])
})

test('the actions of all workflows are pinned to commits', () => {
  const folder = join(root, '.github/workflows')
  const uses = readdirSync(folder).flatMap((file) => [
    ...readFileSync(join(folder, file), 'utf8').matchAll(/uses: (\S+)(.*)/g),
  ])
  expect(uses.length).toBeGreaterThan(0)
  for (const [, action, comment] of uses) {
    expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/)
    expect(comment).toMatch(/^ # v\d+\.\d+\.\d+$/)
  }
})
