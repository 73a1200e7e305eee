import { randomBytes } from 'node:crypto'
import type { OAuthModuleOptions } from '../../src/index.js'
import { diagnose, type DoctorConfiguration, type Finding } from '../../src/command/doctor/index.js'

/** The redirect URI of logins at the default address of the doctor's tests. */
export const REDIRECT_URI = 'http://127.0.0.1:4999/auth/callback'

/** The findings for options with a good secret, without a gate that runs. */
export async function examine(
  options: Partial<OAuthModuleOptions> & Pick<OAuthModuleOptions, 'provider'>,
  more: Partial<DoctorConfiguration> = {},
): Promise<Finding[]> {
  return diagnose({
    options: { secret: randomBytes(32).toString('hex'), ...options },
    json: {},
    listen: { host: '127.0.0.1', port: 4999 },
    env: {},
    ...more,
  })
}

/** What is wrong: notes are left out. */
export function wrong(findings: readonly Finding[]): Finding[] {
  return findings.filter(({ severity }) => severity !== 'note')
}

/** `severity check/code` of what is wrong. */
export function summary(findings: readonly Finding[]): string[] {
  return wrong(findings).map(({ severity, check, code }) => `${severity} ${check}/${code}`)
}
