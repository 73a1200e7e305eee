import type { Problem } from './finding.js'

/** One finding for what several requests have found. */
export function unique(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>()
  return problems.filter(({ code, problem }) => {
    // A certificate fails each request to its host, in other words.
    const key = /^(?:certificate_|clock_)/.test(code) ? code + hostIn(problem) : code + problem
    return seen.has(key) ? false : seen.add(key)
  })
}

function hostIn(problem: string): string {
  return /certificate of ([^ ]+) /.exec(problem)?.[1] ?? ''
}
