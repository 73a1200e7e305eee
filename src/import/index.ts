/**
 * Functions that convert configurations of other products to options of this package. They read no
 * files and send no requests. What they cannot convert is part of the result, never dropped.
 *
 * @module
 */
export { fromAuth0Connection } from './auth0.js'
export { fromNgrokModule } from './ngrok-module.js'
export { fromOAuth2Proxy, type OAuth2ProxyFiles } from './oauth2-proxy/index.js'
export { fromNgrokTrafficPolicy } from './traffic-policy/policy.js'
export type { CommandSettings, Difference, ImportResult } from './result.js'
export type { JsonOptions } from '../options/json-options.js'
