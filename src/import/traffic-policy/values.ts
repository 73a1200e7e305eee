import type { Cel } from './cel.js'

/** Constants of a policy: what `set-vars` defines, and the variables of macros. */
export type Constants = Readonly<Record<string, unknown>>

/** The constant strings that an expression stands for; `undefined` if it depends on the request. */
export function stringsOf(cel: Cel, constants: Constants): readonly string[] | undefined {
  if (cel.kind === 'list') {
    const items = cel.items.map((item) => stringOf(item, constants))
    return items.every((item) => item !== undefined) ? items : undefined
  }
  const value = cel.kind === 'name' ? constants[cel.path] : undefined
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined
}

/** The constant string that an expression stands for. */
export function stringOf(cel: Cel, constants: Constants): string | undefined {
  if (cel.kind === 'value') return typeof cel.value === 'string' ? cel.value : undefined
  if (cel.kind === 'name') {
    const value = constants[cel.path]
    return typeof value === 'string' ? value : undefined
  }
  if (cel.kind !== 'op' || cel.op !== '+') return undefined
  const parts = cel.args.map((part) => stringOf(part, constants))
  return parts.every((part) => part !== undefined) ? parts.join('') : undefined
}

const EMAIL = /^actions\.ngrok\.(?:oauth|oidc|openid_connect)\.identity\.email$/
const EMAIL_HEADER = /^ngrok-auth-(?:user-)?email$/i

/** Whether an expression is the user's email address, or its domain. */
export function subjectOf(cel: Cel): 'email' | 'domain' | undefined {
  if (cel.kind === 'name') return EMAIL.test(cel.path) ? 'email' : undefined
  if (cel.kind === 'call')
    return /^(?:lowerAscii|lower|toLower|trim)$/.test(cel.method) && cel.args.length === 0
      ? subjectOf(cel.target)
      : undefined
  if (cel.kind !== 'index') return undefined
  const { target, index } = cel
  if (isNumber(index, 1) && isSplitAtSign(target)) return 'domain'
  return isNumber(index, 0) && isEmailHeader(target) ? 'email' : undefined
}

function isNumber(cel: Cel, value: number): boolean {
  return cel.kind === 'value' && cel.value === value
}

function isSplitAtSign(cel: Cel): boolean {
  if (cel.kind !== 'call' || cel.method !== 'split' || subjectOf(cel.target) !== 'email')
    return false
  const [separator] = cel.args
  return separator?.kind === 'value' && separator.value === '@'
}

/** The header that ngrok added before expressions could read the result of an action. */
function isEmailHeader(cel: Cel): boolean {
  return (
    cel.kind === 'index' &&
    cel.target.kind === 'name' &&
    /^req\.headers$/i.test(cel.target.path) &&
    cel.index.kind === 'value' &&
    EMAIL_HEADER.test(String(cel.index.value))
  )
}
