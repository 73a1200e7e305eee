/**
 * Sessions that are bound to the device of the browser: a copied session cookie grants no access.
 *
 * Browsers bind sessions only over https with a certificate that they trust: put a proxy such as
 * Caddy (`caddy reverse-proxy --from https://app.localhost --to :3000`) in front of this app, or
 * run it at a host with a certificate. Over plain http, it works as without the option. /vault is
 * open to bound sessions only.
 */
import type { AddressInfo } from 'node:net'
import express from 'express'
import { oauthModule } from 'oauth-module'
import { announce, chooseProvider, port } from './support/provider.js'

const auth = oauthModule({
  provider: await chooseProvider(),
  secret: process.env.OAUTH_MODULE_SECRET ?? 'good enough for trying it out on this machine',
  deviceBound: true,
  onMove: 'login',
})
auth.on('device_bound', ({ user }) => console.log(`bound a session of ${user.key}`))
auth.on('moved', ({ user, parts, from, to }) => console.log('moved', user.key, parts, from, to))

const app = express()
// The proxy in front reports that the browser uses https.
app.set('trust proxy', 'loopback')
app.use(auth)
app.use('/vault', auth.requireAuth({ deviceBound: 'required' }))
app.get('/{*path}', (req, res) => {
  const { user, isDeviceBound } = req.oauth
  res.json({ path: req.path, name: user?.name, isDeviceBound })
})

const server = app.listen(port, '127.0.0.1', (error) => {
  if (error) throw error
  announce((server.address() as AddressInfo).port)
})
