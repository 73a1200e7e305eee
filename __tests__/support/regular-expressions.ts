import { check } from 'recheck'
import ts from 'typescript'

/** A regular expression in a source file. */
export interface FoundExpression {
  /** The literal, or the call of the constructor. */
  readonly text: string
  readonly location: string
  /** `undefined` for a constructor, whose pattern is known only when the code runs. */
  readonly literal: { readonly source: string; readonly flags: string } | undefined
}

const CONSTRUCTOR = 'RegExp'
/** Methods of strings that convert a string argument to a regular expression. */
const CONVERTING_METHODS = ['match', 'matchAll', 'search']

/** Every regular expression in TypeScript code. */
export function expressionsIn(file: string, code: string): FoundExpression[] {
  const tree = ts.createSourceFile(file, code, ts.ScriptTarget.Latest, true)
  const found: FoundExpression[] = []
  const visit = (node: ts.Node): void => {
    const literal = ts.isRegularExpressionLiteral(node) ? parseLiteral(node.text) : undefined
    if (literal !== undefined || isConstructor(node) || isConversion(node)) {
      const line = tree.getLineAndCharacterOfPosition(node.getStart()).line + 1
      found.push({ text: node.getText(), location: `${file}:${line}`, literal })
    }
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return found
}

function parseLiteral(text: string): FoundExpression['literal'] {
  const end = text.lastIndexOf('/')
  return { source: text.slice(1, end), flags: text.slice(end + 1) }
}

function isConstructor(node: ts.Node): boolean {
  if (!ts.isNewExpression(node) && !ts.isCallExpression(node)) return false
  return node.expression.getText().split('.').at(-1) === CONSTRUCTOR
}

/** `text.match('[a-z]+')`: a string literal as the argument. */
function isConversion(node: ts.Node): boolean {
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return false
  const [argument] = node.arguments
  return (
    CONVERTING_METHODS.includes(node.expression.name.text) &&
    argument !== undefined &&
    ts.isStringLiteralLike(argument)
  )
}

/**
 * What is wrong with an expression; `undefined` if it is proven to take at most linear time, also
 * when it is searched for anywhere in a string. Only the automaton proves that: the other checker
 * of `recheck` tries inputs, as does its default for long expressions.
 */
export async function problemOf({ literal, location, text }: FoundExpression) {
  if (literal === undefined) return `${location} ${text} is not a literal, so it cannot be checked`
  const { source, flags } = literal
  const result = await check(source, flags, { checker: 'automaton', timeout: 120_000 })
  if (result.status === 'safe') return undefined
  const reason =
    result.status === 'vulnerable' ? result.complexity.summary : `unknown: ${result.error.kind}`
  return `${location} ${text} (${reason})`
}
