import type { VendorServer } from '../../src/dev/vendors/index.js'
import type { Browser } from './jar.js'
import { CAEP, RISC } from './transmitter.js'

const OAUTH = 'https://schemas.openid.net/secevent/oauth/event-type/'

/** What a signal did to a session. */
export type Effect = 'ends' | 'checks' | 'nothing'

/**
 * Every event type that concerns users, with what it has to do. (CAEP 1.0, 3; RISC 1.0, 2; Google's
 * Cross-Account Protection)
 */
export const EFFECTS: Readonly<Record<string, Effect>> = {
  [`${CAEP}session-revoked`]: 'ends',
  [`${CAEP}token-claims-change`]: 'checks',
  [`${CAEP}credential-change`]: 'checks',
  [`${CAEP}assurance-level-change`]: 'checks',
  [`${CAEP}device-compliance-change`]: 'checks',
  [`${CAEP}session-established`]: 'nothing',
  [`${CAEP}session-presented`]: 'nothing',
  [`${CAEP}risk-level-change`]: 'checks',
  [`${RISC}account-credential-change-required`]: 'checks',
  [`${RISC}account-purged`]: 'ends',
  [`${RISC}account-disabled`]: 'ends',
  [`${RISC}account-enabled`]: 'checks',
  [`${RISC}identifier-changed`]: 'checks',
  [`${RISC}identifier-recycled`]: 'ends',
  [`${RISC}credential-compromise`]: 'ends',
  [`${RISC}opt-in`]: 'nothing',
  [`${RISC}opt-out-initiated`]: 'nothing',
  [`${RISC}opt-out-cancelled`]: 'nothing',
  [`${RISC}opt-out-effective`]: 'nothing',
  [`${RISC}recovery-activated`]: 'nothing',
  [`${RISC}recovery-information-changed`]: 'checks',
  [`${RISC}sessions-revoked`]: 'ends',
  [`${OAUTH}tokens-revoked`]: 'ends',
  [`${OAUTH}token-revoked`]: 'checks',
  'https://example.com/secevent/session-revoked': 'nothing',
}

/** What has happened to the session of a browser: the first request shows it, and is the last check. */
export async function effectOn(
  browser: Browser,
  url: string,
  vendor: VendorServer,
): Promise<Effect | 'checks each request'> {
  vendor.requests.length = 0
  const visit = async () => (await browser.get(url, { follow: false })).status
  if ((await visit()) !== 200) return 'ends'
  const isChecked = vendor.requests.some(({ endpoint }) => endpoint === 'userinfo')
  vendor.requests.length = 0
  await visit()
  if (vendor.requests.length > 0) return 'checks each request'
  return isChecked ? 'checks' : 'nothing'
}
