import { expect, test } from '@jest/globals'
import { loggedIn, program } from './support.js'
test('idle exact', async () => {
  const scene = await loggedIn('oidc', { options: { authCheckInterval: 0, inactivityTimeout: 600 } })
  scene.clock.forward(58)
  expect((await scene.visit('/', program)).status).toBe(200)
  scene.clock.forward(580)
  expect((await scene.visit('/', program)).status).toBe(200)
  scene.clock.forward(600)
  expect((await scene.visit('/', program)).status).toBe(401)
  await scene.gate.close()
})
