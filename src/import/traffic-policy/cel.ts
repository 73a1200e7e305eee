import { type Token, tokensOf } from './cel-tokens.js'

/**
 * An expression of the Common Expression Language, as far as rules on users need it.
 * https://github.com/google/cel-spec/blob/master/doc/langdef.md
 */
export type Cel =
  | { readonly kind: 'value'; readonly value: string | number | boolean }
  | { readonly kind: 'list'; readonly items: readonly Cel[] }
  | { readonly kind: 'name'; readonly path: string }
  | { readonly kind: 'index'; readonly target: Cel; readonly index: Cel }
  | {
      readonly kind: 'call'
      readonly target: Cel
      readonly method: string
      readonly args: readonly Cel[]
    }
  | { readonly kind: 'op'; readonly op: string; readonly args: readonly Cel[] }

/** Parses an expression; `undefined` if it is invalid, or uses what is not needed for rules. */
export function parseCel(source: string): Cel | undefined {
  const tokens = tokensOf(source)
  if (tokens === undefined) return undefined
  try {
    return new CelParser(tokens).parse()
  } catch (error) {
    if (error instanceof Unparsable) return undefined
    throw error
  }
}

class Unparsable extends Error {}

/** Operators by precedence, the loosest first. */
const BINARY: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['==', '!=', 'in', '<', '<=', '>', '>='],
  ['+'],
]

const MAX_DEPTH = 100

class CelParser {
  readonly #tokens: readonly Token[]
  #at = 0
  #depth = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  parse(): Cel {
    const cel = this.#binary(0)
    if (this.#at < this.#tokens.length) throw new Unparsable()
    return cel
  }

  #binary(level: number): Cel {
    const operators = BINARY[level]
    if (operators === undefined) return this.#unary()
    let left = this.#binary(level + 1)
    for (let op = this.#takeOneOf(operators); op !== undefined; op = this.#takeOneOf(operators))
      left = { kind: 'op', op, args: [left, this.#binary(level + 1)] }
    return left
  }

  #unary(): Cel {
    if (++this.#depth > MAX_DEPTH) throw new Unparsable()
    const isNegated = this.#takeOneOf(['!']) !== undefined
    const cel: Cel = isNegated ? { kind: 'op', op: '!', args: [this.#unary()] } : this.#member()
    this.#depth--
    return cel
  }

  #member(): Cel {
    let cel = this.#primary()
    for (;;) {
      if (this.#takeOneOf(['.']) !== undefined) cel = this.#select(cel)
      else if (this.#takeOneOf(['[']) !== undefined) {
        cel = { kind: 'index', target: cel, index: this.#binary(0) }
        this.#expect(']')
      } else return cel
    }
  }

  #select(target: Cel): Cel {
    const name = this.#tokens[this.#at++]
    if (name?.kind !== 'name') throw new Unparsable()
    if (this.#takeOneOf(['(']) !== undefined)
      return { kind: 'call', target, method: name.text, args: this.#items(')') }
    if (target.kind !== 'name') throw new Unparsable()
    return { kind: 'name', path: `${target.path}.${name.text}` }
  }

  #primary(): Cel {
    const token = this.#tokens[this.#at++]
    if (token?.kind === 'string') return { kind: 'value', value: token.text }
    if (token?.kind === 'number') return { kind: 'value', value: Number(token.text) }
    if (token?.kind === 'name') return wordOf(token.text)
    if (token?.text === '[') return { kind: 'list', items: this.#items(']') }
    if (token?.text !== '(') throw new Unparsable()
    const cel = this.#binary(0)
    this.#expect(')')
    return cel
  }

  #items(end: string): readonly Cel[] {
    const items: Cel[] = []
    while (this.#takeOneOf([end]) === undefined) {
      if (items.length > 0) this.#expect(',')
      // A comma may follow the last item.
      if (items.length > 0 && this.#takeOneOf([end]) !== undefined) break
      items.push(this.#binary(0))
    }
    return items
  }

  #takeOneOf(texts: readonly string[]): string | undefined {
    const token = this.#tokens[this.#at]
    if (token === undefined || token.kind === 'string' || !texts.includes(token.text))
      return undefined
    this.#at++
    return token.text
  }

  #expect(text: string): void {
    if (this.#takeOneOf([text]) === undefined) throw new Unparsable()
  }
}

function wordOf(word: string): Cel {
  if (word === 'true' || word === 'false') return { kind: 'value', value: word === 'true' }
  return { kind: 'name', path: word }
}
