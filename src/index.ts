import type { OAuthContext } from './middleware/oauth-context.js'
import { oauthModule } from './middleware/oauth-module.js'

export type {
  AnonymousContext,
  AuthenticatedContext,
  OAuthContext,
  TokenContext,
} from './middleware/oauth-context.js'
export type { RequestContext } from './middleware/request-context.js'
export type { LoginUrlOptions } from './middleware/context-source.js'
export type {
  BearerIssuer,
  BearerOptions,
  BearerRules,
  IntrospectionOptions,
} from './bearer/options.js'
export type { Account } from './session/account.js'
export type { AnonymousReason } from './session/sessions.js'
export { OAuthError, type ErrorAudience, type OAuthErrorCode } from './http/errors.js'
export { Html, html, type HtmlValue } from './pages/html.js'
export type { ListOptions, Page } from './session/paging.js'
export type { AppSession, SessionList } from './session/session-list.js'
export type { AppUser } from './session/user-record.js'
export type { Users } from './session/users.js'
export type {
  AdminAction,
  AdminActionEvent,
  AdminActor,
  DenialEvent,
  EventOrigin,
  FieldChange,
  MoveEvent,
  OAuthEventName,
  OAuthEvents,
  OAuthListener,
  RequestEvent,
  SessionEvent,
} from './middleware/event-types.js'
export type { GuardRules } from './middleware/require-auth.js'
export type { AuthenticateOptions } from './middleware/sockets.js'
export { oauthModule } from './middleware/oauth-module.js'
export type { OAuthMiddleware } from './middleware/oauth-middleware.js'
export type { Next } from './middleware/outcome.js'
export { defineProvider, type ProviderSetup } from './providers/define-provider.js'
export type {
  Claims,
  Identity,
  MembershipResult,
  Memberships,
  WantedMemberships,
} from './oauth/identity.js'
export type { ProviderApi } from './oauth/provider-api.js'
export type { SigningAlgorithm } from './oauth/signing-algorithms.js'
export type { ProviderDefinition, VendorMark } from './oauth/definition.js'
export type { ClientAuth, Endpoints } from './oauth/endpoints.js'
export type { ProviderOptions } from './providers/provider-options.js'
export type { Authorize, Logger, OAuthModuleOptions, OnError, OnLogin } from './options/options.js'
export type {
  CustomWebhook,
  SignalAction,
  SignalsOptions,
  TransmitterOptions,
  WebhookDelivery,
  WebhookOptions,
  WebhookRequest,
  WebhookSignal,
} from './signals/options.js'
export type { SignalStream } from './signals/stream-configuration.js'
export type { SignalStreams } from './signals/streams.js'
export type { BrandingOption } from './pages/branding.js'
export type { ErrorTexts, PageTexts, PartialPageTexts, TextsOption } from './pages/texts.js'
export type {
  DeniedContext,
  ErrorContext,
  PagesOption,
  PageUser,
  SignedOutContext,
  SignInContext,
  SignInProvider,
} from './pages/contexts.js'
export { amazonProvider, type AmazonOptions } from './providers/amazon.js'
export { facebookProvider, type FacebookOptions } from './providers/facebook.js'
export { githubProvider, type GithubOptions } from './providers/github.js'
export { gitlabProvider, type GitlabOptions } from './providers/gitlab.js'
export { googleProvider, type GoogleOptions } from './providers/google.js'
export type { BuiltinName, ProviderMap } from './providers/index.js'
export { linkedinProvider, type LinkedinOptions } from './providers/linkedin.js'
export { microsoftProvider, type MicrosoftOptions } from './providers/microsoft.js'
export { oauth2Provider, type OAuth2Options } from './providers/oauth2.js'
export type { FetchUserProfile, ProfileCallback, UserProfile } from './providers/user-profile.js'
export { oidcProvider, type OidcOptions } from './providers/oidc.js'
export { twitchProvider, type TwitchOptions } from './providers/twitch.js'
export { cookieStore } from './session/stores/cookie-store.js'
export type { ExpressSessionStore } from './session/stores/express-session-store.js'
export { memoryStore, type MemoryStoreOptions } from './session/stores/memory-store.js'
export type {
  Awaitable,
  CountQuery,
  EntriesPage,
  EntriesQuery,
  SessionStore,
  StoreRecord,
  Unlock,
  Unwatch,
} from './session/stores/store.js'
export type { Decision, Denial } from './access/policy.js'
export type { RuleList, Rules, RuleSet } from './access/rules.js'
export type { RuleMatch } from './access/set-policy.js'
export type { OAuthUser } from './access/user.js'

declare global {
  namespace Express {
    interface Request {
      /** The user and the session of the request. Set on every request that the gate lets pass. */
      oauth: OAuthContext
    }
  }
}

export default oauthModule
