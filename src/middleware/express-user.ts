import type { OAuthUser } from '../access/user.js'

export type { OAuthUser }

/**
 * `import 'oauth-module/express-user'` types `req.user` as {@link OAuthUser}. Not for apps with
 * another `Express.User`.
 */
declare global {
  namespace Express {
    interface User extends OAuthUser {}
    interface Request {
      user?: User | undefined
    }
  }
}
