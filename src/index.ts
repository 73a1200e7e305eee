import type { OAuthContext } from './context.js'
import { oauthModule } from './middleware.js'

export { OAuthContext, type AnonymousReason, type LoginUrlOptions } from './context.js'
export { OAuthError, type ErrorAudience, type OAuthErrorCode } from './errors.js'
export { Html, html, type HtmlValue } from './html.js'
export { oauthModule, type Next, type OAuthMiddleware } from './middleware.js'
export {
  defineProvider,
  type Claims,
  type ClientAuth,
  type Endpoints,
  type Identity,
  type IdentitySource,
  type Memberships,
  type ProviderDefinition,
  type ProviderOptions,
  type ProviderSource,
} from './oauth/provider.js'
export type { Authorize, Logger, OAuthModuleOptions, OnError } from './options.js'
export type {
  DeniedContext,
  ErrorContext,
  PagesOption,
  PageUser,
  SignedOutContext,
  SignInContext,
  SignInProvider,
} from './page-contexts.js'
export { githubProvider, type GithubOptions } from './providers/github.js'
export type { BuiltinName, ProviderMap } from './providers/index.js'
export { oidcProvider, type OidcOptions } from './providers/oidc.js'
export { memoryStore, type MemoryStoreOptions } from './session/memory-store.js'
export type { Awaitable, EntriesPage, EntriesQuery, SessionStore, StoreRecord, Unlock } from './session/store.js'
export type { OAuthUser } from './user.js'

declare global {
  namespace Express {
    interface Request {
      /** Who is logged in; set on every request that the gate lets through. */
      oauth: OAuthContext
    }
  }
}

export default oauthModule
