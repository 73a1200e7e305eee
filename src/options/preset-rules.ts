import { type Rules, ruleLists } from '../access/rules.js'
import type { Mistakes } from '../schema/field.js'
import type { ConfigDraft } from './config.js'
import { isPreset } from './header-presets.js'

/**
 * Reports lists that oauth2-proxy combines with AND: as alternatives they would let more users pass
 * than before.
 */
export function checkPresetRules(
  { headers, providers, reportOnly }: ConfigDraft,
  mistakes: Mistakes,
): void {
  if (!isPreset(headers.headerPrefix)) return
  for (const { name, rules } of providers) checkLists(rules, mistakes.at('provider').at(name))
  if (reportOnly !== undefined) checkLists(reportOnly, mistakes.at('reportOnly'))
}

function checkLists(rules: Rules, mistakes: Mistakes): void {
  const lists = ruleLists.filter((list) => rules[list] !== undefined)
  if (lists.length < 2) return
  const sets = (separator: string) => lists.map((list) => `${list}: […]`).join(separator)
  mistakes.add(
    `has several lists, of which one is enough here, but which oauth2-proxy combines with AND: with this headerPrefix, set allOf: [{ ${sets(' }, { ')} }] to require all of them, or allOf: [{ ${sets(', ')} }] if one is enough`,
  )
}
