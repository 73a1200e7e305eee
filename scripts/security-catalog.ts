// The requirements of docs/requirements.md, and the tests and checks that name them.
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import ts from 'typescript'

/** Scripts and tests run there. */
export const root = process.cwd()
const ID = /\bS-\d{3}\b/g

/** A row of docs/requirements.md. */
export interface Requirement {
  readonly id: string
  readonly title: string
}

/** A test, a group of tests or a slow check that names requirements. */
export interface NamedTest {
  readonly ids: readonly string[]
  /** The name without ids; parameters of `test.each` are `…`. */
  readonly title: string
  /** As in `flows/login`. */
  readonly suite: string
  /** `test.ts` or `slow.ts`; `''` for a script. */
  readonly extension: string
}

export function readRequirements(): Requirement[] {
  const text = readFileSync(join(root, 'docs/requirements.md'), 'utf8')
  return [...text.matchAll(/^\| (S-\d{3}) \| P\d \| (.*?) \|/gm)].map(([, id, title]) => ({
    id: id ?? '',
    title: title ?? '',
  }))
}

/** The ids in a name, each once. */
export function idsIn(name: string): string[] {
  return [...new Set(name.match(ID) ?? [])]
}

/** Tests and groups of tests whose name in the source contains an id. */
export function readNamedTests(): NamedTest[] {
  return readTests().filter(({ ids }) => ids.length > 0)
}

/** All tests and groups of tests whose name in the source is a string. */
export function readTests(): NamedTest[] {
  const folder = join(root, '__tests__')
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return files
    .filter((name) => /\.(?:test|slow)\.ts$/.test(name))
    .sort()
    .flatMap((name) => testsOf(join(folder, name)))
}

function testsOf(file: string): NamedTest[] {
  const text = readFileSync(file, 'utf8')
  const suite = relative(join(root, '__tests__'), file).replace(/\.(?:test|slow)\.ts$/, '')
  const extension = file.endsWith('.slow.ts') ? 'slow.ts' : 'test.ts'
  const found: NamedTest[] = []
  const visit = (node: ts.Node, groups: readonly string[]): void => {
    const name = nameOfTest(node)
    const ids = idsIn(name)
    // Tests continue the sentence of their groups.
    const path = name === '' ? groups : [...groups, titleOf(name)]
    if (name !== '') found.push({ ids, title: path.join(' › '), suite, extension })
    ts.forEachChild(node, (child) => visit(child, path))
  }
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest), [])
  return found
}

/** The first argument of `test(…)`, `describe(…)`, and of both with `.each(…)`; otherwise `''`. */
function nameOfTest(node: ts.Node): string {
  if (!ts.isCallExpression(node)) return ''
  let callee: ts.Expression = node.expression
  while (ts.isCallExpression(callee) || ts.isPropertyAccessExpression(callee))
    callee = callee.expression
  const [name] = node.arguments
  const isTest = ts.isIdentifier(callee) && /^(?:test|describe)$/.test(callee.text)
  return isTest && name !== undefined && ts.isStringLiteralLike(name) ? name.text : ''
}

/** Other ids, such as C13, refer to docs/field.md. */
function titleOf(name: string): string {
  return name
    .replace(/\b(?:S-\d{3}|[A-Z]{1,2}-?\d{1,2}):?(?=[\s,]|$),?/g, '')
    .replace(/%[sijp%]|\$\w+/g, '…')
    .replace(/\s+/g, ' ')
    .trim()
}

/** The slow checks of `.ci/run` that name requirements in their comment. */
export function readSlowChecks(): NamedTest[] {
  const folder = join(root, '.ci/slow')
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      const comment = /^# (.*)$/m.exec(readFileSync(join(folder, name), 'utf8'))?.[1] ?? ''
      const title = comment.replace(/\s*\((?:S-\d{3}(?:, )?)+\)/, '').replace(/\.$/, '')
      const ids = idsIn(comment)
      return ids.length === 0 ? [] : [{ ids, title, suite: `.ci/slow/${name}`, extension: '' }]
    })
}
