import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A certificate authority that no machine trusts, and a server certificate that it issued. */
export interface PrivateCa {
  /** The file for `NODE_EXTRA_CA_CERTS`. */
  readonly caFile: string
  readonly key: Buffer
  readonly cert: Buffer
  remove(): void
}

/** Creates a certificate authority, and a certificate for these hosts; with 0 days, an expired one. */
export function createPrivateCa(hosts: readonly string[], days = 1): PrivateCa {
  const folder = mkdtempSync(join(tmpdir(), 'oauth-module-ca-'))
  const file = (name: string) => join(folder, name)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const ca = ['-x509', '-subj', '/CN=Acme CA', '-keyout', file('ca.key'), '-out', file('ca.pem')]
  openssl('req', ...newKey, ...ca)
  openssl('req', ...newKey, '-subj', '/CN=idp', '-keyout', file('key'), '-out', file('csr'))
  writeFileSync(file('ext'), `subjectAltName=${hosts.map((host) => `DNS:${host}`).join()}`)
  const signer = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial']
  const validity = ['-days', String(days), '-extfile', file('ext')]
  openssl('x509', '-req', '-in', file('csr'), ...signer, ...validity, '-out', file('cert'))
  return {
    caFile: file('ca.pem'),
    key: readFileSync(file('key')),
    cert: readFileSync(file('cert')),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
