export { startGateway, type Gateway } from './gateway.js'
export { JsonLog, type LogOutput } from './json-log.js'
export type { GatewayLimits, GatewayRules, GatewaySettings } from './settings.js'
export { type AuthRules, AuthServer, type AuthServerSettings } from './auth-server.js'
