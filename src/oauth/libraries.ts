import { once } from '../http/once.js'

/**
 * Loaded by the first login, because an app starts sooner without it; and kept, because Node resolves
 * the name again at each `import()`.
 */
export const loadOpenidClient = once(() => import('openid-client'))

/** As {@link loadOpenidClient}. */
export const loadJose = once(() => import('jose'))
