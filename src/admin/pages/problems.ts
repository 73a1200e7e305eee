import { html } from '../../pages/html.js'
import type { PageProblem } from '../../middleware/admin-access.js'
import type { Log } from '../../options/logger.js'
import { isStoreError } from '../errors.js'
import { PageError, type Screen } from './screen.js'

const STORE_ERRORS = {
  store_not_listable: new PageError(
    501,
    'This store cannot list its users',
    'The session store of this app cannot list users and sessions, so these pages have nothing to show. The owner of the app can use memoryStore(), redisStore(), or a store with the method entries().',
  ),
  store_unavailable: new PageError(
    503,
    'The store cannot be reached',
    'The session store of this app does not respond. Nothing is lost: please try again in a few seconds.',
    { 'Retry-After': '5' },
  ),
} as const

/** The page for an error; `undefined` for one that is not expected. */
export function screenOfError(error: unknown, logger: Log, basePath: string): Screen | undefined {
  if (error instanceof PageError) return errorScreen(error, basePath)
  if (error instanceof Error && error.name === 'ConfigChangeError')
    return errorScreen(new PageError(500, 'The configuration cannot be shown', error.message))
  if (!isStoreError(error)) return undefined
  const { code, hint } = error
  logger.error('admin pages: the store failed', { code, hint })
  return errorScreen(
    code === 'store_not_listable'
      ? STORE_ERRORS.store_not_listable
      : STORE_ERRORS.store_unavailable,
  )
}

function errorScreen({ title, message, status, headers, link }: PageError, basePath = ''): Screen {
  const body = html`<div class="narrow"><p>${message}</p>${
    link && html`<p><a href="${basePath}${link.path}">${link.label}</a></p>`
  }</div>`
  return { title, section: undefined, body, status, headers }
}

/** The page in place of all others. */
export function problemScreen({ kind }: PageProblem): Screen {
  if (kind === 'token')
    return errorScreen(
      new PageError(
        403,
        'Please sign in',
        'Access tokens do not count for these pages. Sign in with a browser.',
      ),
    )
  return kind === 'disabled'
    ? errorScreen(
        new PageError(
          503,
          'These pages are not available',
          'The gate that protects them is disabled.',
          { 'Retry-After': '60' },
        ),
      )
    : errorScreen(
        new PageError(
          500,
          'These pages cannot be shown here',
          'They are at a path to which browsers do not send the session cookie of the app, so no one could sign in. The log of the app names the fix.',
        ),
      )
}
