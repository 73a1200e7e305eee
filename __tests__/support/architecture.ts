import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import ts from 'typescript'

/** Source texts by their path below `src/`. */
export type Tree = ReadonlyMap<string, string>

/**
 * The folders of `src/`, the lowest first: a file imports from its own folder and from those above
 * it in this list.
 */
export const folders: readonly string[] = [
  'schema',
  'http',
  'oauth',
  'access',
  'providers',
  'session',
  'pages',
  'flows',
  'bearer',
  'signals',
  'binding',
  'options',
  'middleware',
]

/** These may import everything. */
const above: readonly string[] = [
  'index.ts',
  'admin',
  'command',
  'import',
  'browser',
  'dev',
  'testing',
]

export function readTree(root = join(process.cwd(), 'src')): Map<string, string> {
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).map((name) =>
    name.replaceAll('\\', '/'),
  )
  return new Map(
    names
      .filter((name) => name.endsWith('.ts'))
      .map((name) => [name, readFileSync(join(root, name), 'utf8')]),
  )
}

/** Where a file stands in the order of the folders; `undefined` for a file of no known folder. */
export function layerOf(file: string): number | undefined {
  const [folder = ''] = file.split('/', 1)
  if (above.includes(folder)) return folders.length
  const layer = folders.indexOf(folder)
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
          : ts.isCallExpression(node) &&
              (node.expression.kind === ts.SyntaxKind.ImportKeyword ||
                node.expression.getText() === 'require')
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
      return [
        file,
        inside.map((specifier) =>
          posix.join(posix.dirname(file), specifier).replace(/\.js$/, '.ts'),
        ),
      ]
    }),
  )
}

/** Imports that go up, or sideways into another folder; and files that have no layer. */
export function upwardImports(tree: Tree): string[] {
  const homeless = [...tree.keys()]
    .filter((file) => layerOf(file) === undefined)
    .map((file) => `${file} is in no layer`)
  const wrong = [...internalImports(tree)].flatMap(([file, imports]) =>
    imports
      .filter((target) => !mayImport(file, target))
      .map((target) => `${file} imports ${target}`),
  )
  return [...homeless, ...wrong]
}

function mayImport(file: string, target: string): boolean {
  const [from, to] = [layerOf(file) ?? -1, layerOf(target) ?? folders.length]
  return to <= from
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
  return [...tree]
    .filter(([file, text]) => importsOf(file, text).includes(name))
    .map(([file]) => file)
}

/**
 * What a module keeps between requests outside of any closure: `let`, `var`, and collections that
 * start empty.
 */
export function moduleState(tree: Tree): string[] {
  return [...tree].flatMap(([file, text]) => {
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true)
    return source.statements.filter(ts.isVariableStatement).flatMap(({ declarationList }) => {
      const isConst = (declarationList.flags & ts.NodeFlags.Const) !== 0
      return declarationList.declarations
        .filter((one) => !isConst || startsEmpty(one.initializer))
        .map((one) => `${file}: ${one.name.getText()}`)
    })
  })
}

function startsEmpty(value: ts.Expression | undefined): boolean {
  if (value === undefined || !ts.isNewExpression(value)) return false
  if (value.expression.getText() === 'LRUCache') return true
  return (
    /^(?:Weak)?(?:Map|Set)$/.test(value.expression.getText()) &&
    (value.arguments?.length ?? 0) === 0
  )
}
