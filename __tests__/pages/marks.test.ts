import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { MARK_PATHS } from '../../src/pages/mark-paths.js'
import { markOf } from '../../src/pages/marks.js'
import { Pages } from '../../src/pages/pages.js'
import { builtinProviders } from '../../src/providers/index.js'
import { Mistakes } from '../../src/schema/field.js'

const icons = join(
  dirname(createRequire(__filename).resolve('bootstrap-icons/package.json')),
  'icons',
)
const names = Object.keys(builtinProviders) as (keyof typeof builtinProviders)[]

describe('the marks', () => {
  test.each(Object.entries(MARK_PATHS))('of %s is that of bootstrap-icons', (name, paths) => {
    const source = readFileSync(join(icons, `${name}.svg`), 'utf8')
    expect([...source.matchAll(/ d="([^"]+)"/g)].map(([, path]) => path)).toEqual(paths)
  })

  test('every built-in provider has one, on its button', () => {
    for (const name of names) {
      const options = { clientId: 'a', clientSecret: 'b', trustEmail: true }
      const { definition } = builtinProviders[name](options).parse(new Mistakes('test'))
      expect(definition?.mark).toBe(name)
      const providers = [{ name, label: name, mark: definition?.mark, url: '/' }]
      const { body } = new Pages().render('signIn', { providers }, { nonce: 'bm9uY2U=' })
      expect(body).toContain(markOf(name).toString())
    }
  })

  test('have the colors that their owners prescribe', () => {
    const colorsOf = (name: (typeof names)[number]) =>
      [
        ...markOf(name)
          .toString()
          .matchAll(/fill="([^"]+)"/g),
      ].map(([, color]) => color)
    expect(Object.fromEntries(names.map((name) => [name, colorsOf(name)]))).toEqual({
      github: ['currentColor'],
      google: ['#ea4335', '#fbbc05', '#34a853', '#4285f4'],
      microsoft: ['#f25022', '#7fba00', '#00a4ef', '#ffb900'],
      gitlab: ['#fc6d26'],
      facebook: ['#fff', '#1877f2'],
      linkedin: ['#fff', '#0a66c2'],
      twitch: ['#fff', '#9146ff'],
      amazon: ['currentColor', '#ff9900'],
    })
  })

  test('are hidden from screen readers, which read the label', () => {
    for (const name of names) expect(markOf(name).toString()).toContain('aria-hidden="true"')
  })
})
