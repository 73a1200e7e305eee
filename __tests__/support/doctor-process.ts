import { type OidcOptions, oidcProvider } from '../../src/index.js'
import { diagnose } from '../../src/command/doctor/index.js'

/** One configuration to examine. */
export interface DoctorCase {
  readonly provider: Pick<OidcOptions, 'issuer' | 'clientId' | 'clientSecret'>
  readonly baseUrl?: string | undefined
}

/**
 * The doctor in a process of its own: Node reads the certificates of an internal authority only when
 * it starts. Examines the configurations in its first argument, and prints the findings of each.
 */
async function run(cases: readonly DoctorCase[]): Promise<void> {
  const findings = await Promise.all(
    cases.map(({ provider, baseUrl }) =>
      diagnose({
        options: {
          provider: { idp: oidcProvider(provider) },
          secret: 'kX2!vPq9#Lm4$Rt7@Zw1&Yb6*Nc3^Hd8',
          ...(baseUrl !== undefined && { baseUrl }),
        },
        json: {},
        env: {},
      }),
    ),
  )
  process.stdout.write(JSON.stringify(findings))
}

void run(JSON.parse(process.argv[2] ?? '[]') as DoctorCase[])
