/** A part of an expression. Strings are unescaped. */
export interface Token {
  readonly kind: 'name' | 'number' | 'string' | 'operator'
  readonly text: string
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' }

/** The tokens of an expression, or `undefined` if it has a part that rules do not need. */
export function tokensOf(source: string): readonly Token[] | undefined {
  const tokens: Token[] = []
  const pattern =
    /\s+|([A-Za-z_][A-Za-z0-9_]*)|(\d+(?:\.\d+)?)|('(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")|(&&|\|\||[=!<>]=|[!<>()[\],.+])/y
  while (pattern.lastIndex < source.length) {
    // `r` before a quotation mark is a prefix, not a name.
    const isRaw = /^[rR]['"]/.test(source.slice(pattern.lastIndex, pattern.lastIndex + 2))
    if (isRaw) pattern.lastIndex++
    const found = pattern.exec(source)
    if (found === null) return undefined
    const [, name, number, quoted, operator] = found
    if (name !== undefined) tokens.push({ kind: 'name', text: name })
    else if (number !== undefined) tokens.push({ kind: 'number', text: number })
    else if (quoted !== undefined) tokens.push({ kind: 'string', text: unquoted(quoted, isRaw) })
    else if (operator !== undefined) tokens.push({ kind: 'operator', text: operator })
  }
  return tokens
}

function unquoted(quoted: string, isRaw: boolean): string {
  const inner = quoted.slice(1, -1)
  return isRaw ? inner : inner.replace(/\\(.)/g, (_, char: string) => ESCAPES[char] ?? char)
}
