import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, test } from '@jest/globals'
import { followFile } from '../../src/command/follow-file.js'
import { eventually } from '../support/programs.js'

const folder = mkdtempSync(join(tmpdir(), 'oauth-module-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('a file that is written in parts takes effect once it is complete', async () => {
  const file = join(folder, 'gate.yaml')
  const lines = ['provider:', '  github:', '    clientId: a', '    organizations: [acme]', '']
  writeFileSync(file, 'provider: github\n')
  let changes = 0
  const stop = followFile(file, () => changes++)
  // Each of these is valid, and lets everyone in.
  for (let end = 1; end < lines.length; end++) {
    writeFileSync(file, lines.slice(0, end).join('\n'))
    await sleep(350)
    expect(changes).toBe(0)
  }
  writeFileSync(file, lines.join('\n'))
  await eventually('the change', () => (changes > 0 ? true : undefined))
  expect(changes).toBe(1)
  writeFileSync(file, 'provider: github\n')
  stop()
  await sleep(1500)
  expect(changes).toBe(1)
})
