import type { OAuthUser } from '../access/user.js'

export type { OAuthUser }

/** `import 'oauth-module/express-user'` types `req.user`, for apps whose `Express.User` is nobody else's. */
declare global {
  namespace Express {
    interface User extends OAuthUser {}
    interface Request {
      user?: User | undefined
    }
  }
}
