import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import ts from 'typescript'
import { readTree } from '../support/architecture.js'
import { codeBlocks, errorsOf, programOf, root } from '../support/compile.js'

/** Maps the package to `src/`, so that no build is needed. */
const CONFIGURATION = 'tsconfig.lint.json'

const entryPoints = {
  'oauth-module': 'src/index.ts',
  'oauth-module/admin': 'src/admin/index.ts',
  'oauth-module/client': 'src/browser/index.ts',
  'oauth-module/import': 'src/import/index.ts',
  'oauth-module/redis': 'src/session/stores/redis/index.ts',
  'oauth-module/testing': 'src/testing/index.ts',
}

/** The most used names, each of which must have an example in its doc comment. */
const mostUsed = [
  'oauthModule',
  'OAuthMiddleware.requireAuth',
  'OAuthMiddleware.authenticate',
  'RequestContext.getAccessToken',
  'githubProvider',
  'oidcProvider',
  'oauth2Provider',
  'defineProvider',
  'memoryStore',
  'cookieStore',
  'redisStore',
  'adminRouter',
  'startClient',
  'fromNgrokModule',
  'fromNgrokTrafficPolicy',
  'fromAuth0Connection',
  'fromOAuth2Proxy',
  'html',
]

const program = programOf(
  new Map(
    Object.values(entryPoints).map((file) => [
      join(root, file),
      readFileSync(join(root, file), 'utf8'),
    ]),
  ),
  CONFIGURATION,
)
const checker = program.getTypeChecker()

function aliasesOf(file: string): ts.Symbol[] {
  const source = program.getSourceFile(join(root, file))
  const symbol = source && checker.getSymbolAtLocation(source)
  if (symbol === undefined) throw new Error(`${file} has no exports`)
  return checker.getExportsOfModule(symbol)
}

function resolve(one: ts.Symbol): ts.Symbol {
  const isAlias = (one.flags & ts.SymbolFlags.Alias) !== 0
  return isAlias ? checker.getAliasedSymbol(one) : one
}

function exportsOf(file: string): ts.Symbol[] {
  return aliasesOf(file).map(resolve)
}

/** The names that exist at run time. */
function valuesOf(file: string): string[] {
  const isType = ({ declarations = [] }: ts.Symbol) =>
    declarations.some((one) => ts.isTypeOnlyExportDeclaration(one))
  return aliasesOf(file)
    .filter((one) => !isType(one) && (resolve(one).flags & ts.SymbolFlags.Value) !== 0)
    .map(({ name }) => name)
}

const exported = new Map(
  Object.values(entryPoints)
    .flatMap(exportsOf)
    .map((symbol) => [symbol.name, symbol]),
)

function commentOf(name: string): string {
  const [owner = '', member] = name.split('.')
  const symbol = exported.get(owner)
  const found =
    member === undefined ? symbol : symbol?.members?.get(ts.escapeLeadingUnderscores(member))
  if (found === undefined) throw new Error(`${name} is not exported`)
  return (found.declarations ?? [])
    .flatMap((declaration) => ts.getJSDocCommentsAndTags(declaration))
    .map((node) => node.getText())
    .join('\n')
}

/** What examples without imports may use: the public names, and what every app has. */
function prelude(): string {
  const imports = Object.entries(entryPoints).map(([name, file]) => {
    const names = valuesOf(file).filter((value) => value !== 'default')
    return `import { ${names.join(', ')} } from '${name}'`
  })
  return `${imports.join('\n')}
    import type { Express } from 'express'
    import type { OAuthMiddleware, SessionStore } from 'oauth-module'
    declare const app: Express, auth: OAuthMiddleware, clientId: string, clientSecret: string
    declare const secret: string, issuer: string
    declare function myStore(): SessionStore
    declare function test(name: string, run: () => unknown): void
  `
}

/** The examples in the doc comments of a file, as modules next to the package. */
function examplesOf(file: string, text: string): [name: string, code: string][] {
  return [...text.matchAll(/\/\*\*[\s\S]*?\*\//g)].flatMap((comment) => {
    const lines = comment[0].split('\n').map((line) => line.replace(/^ *\* ?/, ''))
    const start = text.slice(0, comment.index).split('\n').length
    return codeBlocks(lines.join('\n')).map(({ code, line }): [string, string] => [
      join(root, `${file.replace(/\W/g, '-')}-${start + line - 1}.ts`),
      `${/^import /m.test(code) ? '' : prelude()}${code}\nexport {}\n`,
    ])
  })
}

describe('the examples in doc comments', () => {
  test('compile', () => {
    const examples = new Map([...readTree()].flatMap(([file, text]) => examplesOf(file, text)))
    expect(examples.size).toBeGreaterThan(5)
    expect(errorsOf(examples, CONFIGURATION)).toEqual([])
  })

  test('an example with a type error is found', () => {
    const wrong = examplesOf(
      'wrong.ts',
      '/**\n * ```ts\n * oauthModule({ provider: { github: { organisations: [] } } })\n * ```\n */',
    )
    expect(errorsOf(new Map(wrong), CONFIGURATION)).toEqual([
      expect.stringContaining('organisations'),
    ])
  })

  test('exist for the most used names', () => {
    expect(mostUsed.filter((name) => !commentOf(name).includes('```ts'))).toEqual([])
  })
})
