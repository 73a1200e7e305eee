import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import ts from 'typescript'

/** Source texts by their path below `src/`. */
export type Tree = ReadonlyMap<string, string>

/** The layers, the lowest first: a file imports from lower layers and from its own folder. A folder ends in a slash. */
export const layers: readonly (readonly string[])[] = [
  ['errors.ts', 'read.ts', 'html.ts'],
  ['http/'],
  // What a provider is, then what is said of users, then the providers themselves.
  ['oauth/provider.ts', 'oauth/identity.ts', 'oauth/hooks.ts'],
  ['user.ts', 'policy.ts'],
  ['providers/'],
  ['oauth/', 'upstream-headers.ts', 'events.ts', 'pages.ts', 'page-contexts.ts', 'page-views.ts', 'page-style.ts', 'owner-error.ts'],
  ['session/', 'place.ts', 'answers.ts', 'provider-options.ts', 'request-options.ts'],
  ['flows/', 'context.ts', 'app-users.ts'],
  ['options.ts', 'logger.ts', 'parse-options.ts'],
  // The whole configuration is known from here on.
  ['middleware.ts', 'assemble.ts', 'gate.ts', 'failures.ts', 'guards.ts', 'special-paths.ts', 'visit.ts', 'watches.ts', 'request-report.ts', 'socket-origin.ts', 'neighbours.ts', 'notices.ts', 'passed.ts'],
  ['index.ts', 'express-user.ts', 'redis/', 'admin/', 'dev/', 'testing/', 'cli/'],
]

export function readTree(root = join(process.cwd(), 'src')): Map<string, string> {
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).map((name) => name.replaceAll('\\', '/'))
  return new Map(names.filter((name) => name.endsWith('.ts')).map((name) => [name, readFileSync(join(root, name), 'utf8')]))
}

export function layerOf(file: string): number | undefined {
  const exact = layers.findIndex((rooms) => rooms.includes(file))
  const layer = exact === -1 ? layers.findIndex((rooms) => rooms.some((room) => room.endsWith('/') && file.startsWith(room))) : exact
  return layer === -1 ? undefined : layer
}

/** Everything a file imports, types included, as it is written. */
export function importsOf(file: string, text: string): string[] {
  const found: string[] = []
  const visit = (node: ts.Node) => {
    const specifier =
      ts.isImportDeclaration(node) || ts.isExportDeclaration(node)
        ? node.moduleSpecifier
        : ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)
          ? node.argument.literal
          : ts.isCallExpression(node) && (node.expression.kind === ts.SyntaxKind.ImportKeyword || node.expression.getText() === 'require')
            ? node.arguments[0]
            : undefined
    if (specifier && ts.isStringLiteralLike(specifier)) found.push(specifier.text)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true))
  return found
}

function internalImports(tree: Tree): Map<string, string[]> {
  return new Map(
    [...tree].map(([file, text]) => {
      const inside = importsOf(file, text).filter((specifier) => specifier.startsWith('.'))
      return [file, inside.map((specifier) => posix.join(posix.dirname(file), specifier).replace(/\.js$/, '.ts'))]
    }),
  )
}

/** Imports that go up, or sideways into another folder; and files that have no layer. */
export function upwardImports(tree: Tree): string[] {
  const homeless = [...tree.keys()].filter((file) => layerOf(file) === undefined).map((file) => `${file} is in no layer`)
  const wrong = [...internalImports(tree)].flatMap(([file, imports]) =>
    imports.filter((target) => !mayImport(file, target)).map((target) => `${file} imports ${target}`),
  )
  return [...homeless, ...wrong]
}

function mayImport(file: string, target: string): boolean {
  const [from, to] = [layerOf(file) ?? -1, layerOf(target) ?? layers.length]
  return to < from || (to === from && folderOf(file) === folderOf(target))
}

function folderOf(file: string): string {
  return file.includes('/') ? (file.split('/', 1)[0] ?? '') : ''
}

/** Circles of imports, each as the files it runs through. */
export function circles(tree: Tree): string[] {
  const graph = internalImports(tree)
  const done = new Set<string>()
  const found = new Set<string>()
  const visit = (file: string, path: readonly string[]) => {
    const start = path.indexOf(file)
    if (start !== -1) return void found.add([...path.slice(start), file].join(' -> '))
    if (done.has(file)) return
    for (const target of graph.get(file) ?? []) visit(target, [...path, file])
    done.add(file)
  }
  for (const file of graph.keys()) visit(file, [])
  return [...found]
}

/** Files that import a package, types included. */
export function importersOf(tree: Tree, name: string): string[] {
  return [...tree].filter(([file, text]) => importsOf(file, text).includes(name)).map(([file]) => file)
}

/** What a module keeps between requests outside of any closure: `let`, `var`, and collections that start empty. */
export function moduleState(tree: Tree): string[] {
  return [...tree].flatMap(([file, text]) => {
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true)
    return source.statements.filter(ts.isVariableStatement).flatMap(({ declarationList }) => {
      const isConst = (declarationList.flags & ts.NodeFlags.Const) !== 0
      return declarationList.declarations.filter((one) => !isConst || startsEmpty(one.initializer)).map((one) => `${file}: ${one.name.getText()}`)
    })
  })
}

function startsEmpty(value: ts.Expression | undefined): boolean {
  if (value === undefined || !ts.isNewExpression(value)) return false
  if (value.expression.getText() === 'LRUCache') return true
  return /^(?:Weak)?(?:Map|Set)$/.test(value.expression.getText()) && (value.arguments?.length ?? 0) === 0
}
