export type { DevProviderOptions } from './dev-options.js'
export { devProvider, type DevProvider } from './dev-provider.js'
export type { Persona } from './personas.js'
