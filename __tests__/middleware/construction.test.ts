import { expect, test } from '@jest/globals'
import { oauthModule } from '../../src/index.js'
import { recorder, secret } from '../support/gate.js'

/** All memory of this process that JavaScript uses. */
function usedBytes(): number {
  const { heapUsed, external, arrayBuffers } = process.memoryUsage()
  return heapUsed + external + arrayBuffers
}

test('a gate takes less than a megabyte until it is used', () => {
  const provider = { github: { clientId: 'client', clientSecret: 'client secret' } }
  const create = () => oauthModule({ provider, secret, logger: recorder([]) })
  const gates = [create()]
  const before = usedBytes()
  while (gates.length < 40) gates.push(create())
  // What can be collected counts as well.
  expect((usedBytes() - before) / gates.length).toBeLessThan(1024 * 1024)
})
