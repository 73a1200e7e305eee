import type { Cel } from './cel.js'
import { always, type Fact, type Formula, literal, never, not } from './formula.js'
import { type Constants, stringOf, stringsOf, subjectOf } from './values.js'

const other = literal({ kind: 'other' })

/** What an expression means for a request; what rules cannot express is the fact `other`. */
export function conditionOf(cel: Cel, constants: Constants): Formula {
  if (cel.kind === 'value') return cel.value === true ? always : cel.value === false ? never : other
  if (cel.kind === 'call') return callOf(cel, constants)
  if (cel.kind !== 'op') return other
  const [left, right] = cel.args
  if (left === undefined) return other
  if (cel.op === '!') return not(conditionOf(left, constants))
  if (right === undefined) return other
  if (cel.op === '&&' || cel.op === '||')
    return {
      kind: cel.op === '&&' ? 'and' : 'or',
      parts: cel.args.map((part) => conditionOf(part, constants)),
    }
  if (cel.op === '==' || cel.op === '!=') {
    const equal = equalOf(left, right, constants)
    return cel.op === '==' ? equal : not(equal)
  }
  return cel.op === 'in' ? oneOf(left, stringsOf(right, constants)) : other
}

function equalOf(left: Cel, right: Cel, constants: Constants): Formula {
  const [value, subject] = stringOf(right, constants) !== undefined ? [right, left] : [left, right]
  const text = stringOf(value, constants)
  return text === undefined ? other : oneOf(subject, [text])
}

/** A subject that equals one of these values. */
function oneOf(subject: Cel, values: readonly string[] | undefined): Formula {
  if (values === undefined) return other
  const facts = values.map((value) => factOf(subject, value))
  return facts.every((fact) => fact !== undefined) ? anyOf(facts) : other
}

function factOf(subject: Cel, value: string): Fact | undefined {
  const kind = subjectOf(subject)
  if (kind === 'email')
    return value === ''
      ? { kind: 'noEmail' }
      : { kind: 'rule', list: 'emailAddresses', entry: value }
  if (kind === 'domain') return { kind: 'rule', list: 'emailDomains', entry: value }
  if (subject.kind !== 'name') return undefined
  if (/^req\.(?:url\.)?path$/i.test(subject.path)) return pathFact(value)
  return /^req\.method$/i.test(subject.path)
    ? { kind: 'method', method: value.toUpperCase() }
    : undefined
}

function pathFact(path: string): Fact | undefined {
  return /^\/[^*;\\%]*$/.test(path) && !path.includes('//') ? { kind: 'path', path } : undefined
}

function anyOf(facts: readonly Fact[]): Formula {
  return { kind: 'or', parts: facts.map((fact) => literal(fact)) }
}

function callOf(cel: Cel & { kind: 'call' }, constants: Constants): Formula {
  const { target, method, args } = cel
  const [first, second] = args
  if (first === undefined) return other
  if (method === 'exists' || method === 'all')
    return second === undefined ? other : macroOf(cel, { first, second }, constants)
  const text = stringOf(first, constants)
  if (text === undefined) return other
  if (subjectOf(target) === 'email') {
    if (method === 'endsWith') return suffixOf(text)
    if (method === 'matches') return patternOf(text)
  }
  return method === 'startsWith' ? prefixOf(target, text) : other
}

/** `list.exists(name, condition)`: the condition for each entry of a constant list. */
function macroOf(
  { target, method }: Cel & { kind: 'call' },
  { first, second }: { first: Cel; second: Cel },
  constants: Constants,
): Formula {
  const values = stringsOf(target, constants)
  if (values === undefined || first.kind !== 'name') return other
  const { path } = first
  return {
    kind: method === 'exists' ? 'or' : 'and',
    parts: values.map((value) => conditionOf(second, { ...constants, [path]: value })),
  }
}

function suffixOf(suffix: string): Formula {
  if (/^@[^@]+$/.test(suffix))
    return literal({ kind: 'rule', list: 'emailDomains', entry: suffix.slice(1) })
  return /^[^@.][^@]*$/.test(suffix) ? literal({ kind: 'suffix', entry: suffix }) : other
}

/** A pattern that matches every address at one domain. */
function patternOf(pattern: string): Formula {
  const domain = /^(?:\^?\.[*+])?@((?:[A-Za-z0-9-]|\\\.)+)\$$/.exec(pattern)?.[1]
  return domain === undefined
    ? other
    : literal({ kind: 'rule', list: 'emailDomains', entry: domain.replaceAll('\\.', '.') })
}

function prefixOf(target: Cel, prefix: string): Formula {
  if (target.kind !== 'name' || !/^req\.(?:url\.)?path$/i.test(target.path)) return other
  const fact = /\/$/.test(prefix) ? pathFact(prefix) : undefined
  return fact?.kind === 'path' ? literal({ kind: 'path', path: `${fact.path}*` }) : other
}
