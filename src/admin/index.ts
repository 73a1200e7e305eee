export { type AdminHandler, adminRouter } from './admin-router.js'
export type {
  AddressLocation,
  AdministeredModule,
  AdminOptions,
  AdminTokenOptions,
} from './options.js'
export type { RetentionOptions } from './retention.js'
export type { AppRequest } from '../http/request.js'
export type { Next } from '../middleware/outcome.js'
