import type { Finding, Severity } from './finding.js'

/** How findings are printed. */
export interface ReportOptions {
  /** As a JSON array instead of sentences. */
  readonly json?: boolean | undefined
  /** Default: to standard output. */
  readonly write?: ((text: string) => void) | undefined
}

/** Prints findings. Returns the exit code: 1 if something is wrong; warnings alone are 0. */
export function printFindings(
  findings: readonly Finding[],
  { json = false, write = (text) => void process.stdout.write(text) }: ReportOptions = {},
): 0 | 1 {
  write(json ? `${JSON.stringify(findings, undefined, 2)}\n` : formatFindings(findings))
  return findings.some(({ severity }) => severity === 'error') ? 1 : 0
}

const LABELS: Readonly<Record<Severity, string>> = {
  error: 'ERROR',
  warning: 'WARNING',
  note: 'NOTE',
}

const ORDER: readonly Severity[] = ['error', 'warning', 'note']

/** The findings as plain sentences, the most important ones first, and a summary. */
export function formatFindings(findings: readonly Finding[]): string {
  const sorted = ORDER.flatMap((severity) => findings.filter((one) => one.severity === severity))
  return [...sorted.map(formatFinding), `${summaryOf(findings)}\n`].join('\n')
}

function formatFinding({ severity, check, provider, problem, fix }: Finding): string {
  const subject = provider === undefined ? check : `${check}, ${provider}`
  return `${LABELS[severity]} (${subject}): ${problem}\n  Fix: ${fix}\n`
}

function summaryOf(findings: readonly Finding[]): string {
  const count = (severity: Severity) => findings.filter((one) => one.severity === severity).length
  const [errors, warnings] = [count('error'), count('warning')]
  if (errors === 0 && warnings === 0) return 'Nothing is wrong.'
  const parts = [
    ...(errors > 0 ? [`${errors} ${errors === 1 ? 'error' : 'errors'}`] : []),
    ...(warnings > 0 ? [`${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`] : []),
  ]
  return `${parts.join(', ')}.`
}
