import { isObject } from '../http/json.js'
import type { FieldChange } from '../middleware/admin-access.js'

/** The fields whose values no record contains. */
const SECRET = /(?:^|\.)(?:client_secret$|customHeaders\.)/
/** Characters of a value as JSON. Longer ones are cut. */
const MAX_VALUE_LENGTH = 2000
const MAX_CHANGES = 50
const MAX_DEPTH = 8

/**
 * The fields in which two JSON objects differ. Arrays count as one value. `null` counts as absent.
 * The result is bounded: long values are cut, and at most 50 fields are listed.
 */
export function differences(before: object, after: object): readonly FieldChange[] {
  const [old, now] = [leavesOf(before), leavesOf(after)]
  const fields = [...new Set([...old.keys(), ...now.keys()])].sort()
  const changed = fields.filter((field) => old.get(field) !== now.get(field))
  const more = changed.length - MAX_CHANGES
  const changes = changed
    .slice(0, MAX_CHANGES)
    .map((field) => changeOf(field, old.get(field), now.get(field)))
  return more > 0 ? [...changes, { field: `… and ${more} more` }] : changes
}

function changeOf(field: string, before: string | undefined, after: string | undefined) {
  if (SECRET.test(field)) return { field, isSecret: true } as const
  return {
    field,
    ...(before !== undefined && { before: shortened(before) }),
    ...(after !== undefined && { after: shortened(after) }),
  }
}

function shortened(json: string): unknown {
  return json.length <= MAX_VALUE_LENGTH
    ? (JSON.parse(json) as unknown)
    : `${json.slice(0, MAX_VALUE_LENGTH)}…`
}

/** The values of an object as JSON, by their path. */
function leavesOf(value: object, path = '', depth = 0): Map<string, string> {
  const leaves = new Map<string, string>()
  for (const [name, member] of Object.entries(value) as [string, unknown][]) {
    const field = path + name
    if (member === undefined || member === null) continue
    if (!isObject(member) || depth === MAX_DEPTH) leaves.set(field, JSON.stringify(member))
    else
      for (const [below, leaf] of leavesOf(member, `${field}.`, depth + 1)) leaves.set(below, leaf)
  }
  return leaves
}
