import { expect, test } from '@jest/globals'
import { Html, html } from '../../src/pages/html.js'

test('escapes strings and numbers, for content and for quoted attributes', () => {
  const text = `<a href="x" title='y'>&\`z\``
  expect(String(html`<p title="${text}">${text}${7}</p>`)).toBe(
    '<p title="&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;&#96;z&#96;">' +
      '&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;&#96;z&#96;7</p>',
  )
})

test('inserts nested markup unchanged, joins arrays, and renders nothing for undefined', () => {
  const items = ['a', '<', 0].map((item) => html`<li>${item}</li>`)
  expect(
    String(html`<ul>${items}</ul>${['<', [html`<br>`, null]]}${undefined}${null}${false}${''}`),
  ).toBe('<ul><li>a</li><li>&lt;</li><li>0</li></ul>&lt;<br>')
  expect(String(html``)).toBe('')
})

test('only the tag creates markup', () => {
  const fakes: unknown[] = [
    { toString: () => '<b>' },
    Object.create(Html.prototype, { toString: { value: () => '<b>' } }),
    new String('<b>'),
    JSON.parse('{"markup":"<b>","__proto__":{}}'),
  ]
  for (const fake of fakes) {
    expect(Html.isHtml(fake)).toBe(false)
    expect(String(html`${fake as string}`)).not.toContain('<')
  }
  expect(Html.isHtml(html`<b>`)).toBe(true)
})

test('called as a function throws an error with the correct usage', () => {
  const asFunction = html as unknown as (text: unknown) => Html
  expect(() => asFunction('<b>')).toThrow(/template tag/)
  expect(() => asFunction(['<b>'])).toThrow(/template tag/)
})
