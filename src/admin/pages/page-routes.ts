import {
  type Action,
  blockAction,
  endSessionAction,
  endSessionsAction,
  unblockAction,
  unblockStrangerAction,
} from './actions.js'
import { auditScreen } from './audit-screen.js'
import { changesScreen, configurationScreen } from './configuration-screen.js'
import type { PageData } from './page-data.js'
import type { PageRequest, Screen } from './screen.js'
import { sessionsScreen } from './sessions-screen.js'
import { overviewScreen, usageScreen } from './usage-screens.js'
import { userScreen, usersScreen } from './users-screen.js'

/** A page that shows something. */
export type View = (data: PageData, request: PageRequest) => Promise<Screen>

/** A page: one that shows something, or one that asks for confirmation and then changes something. */
export type PageRoute = { readonly path: RegExp } & (
  { readonly view: View; readonly action?: undefined } | { readonly action: Action }
)

const ROUTES: readonly PageRoute[] = [
  { path: /^\/$/, view: overviewScreen },
  { path: /^\/users$/, view: usersScreen },
  { path: /^\/users\/([\w-]+)$/, view: userScreen },
  { path: /^\/users\/([\w-]+)\/block$/, action: blockAction },
  { path: /^\/users\/([\w-]+)\/unblock$/, action: unblockAction },
  { path: /^\/users\/([\w-]+)\/end-sessions$/, action: endSessionsAction },
  { path: /^\/blocked\/([\w-]+)\/unblock$/, action: unblockStrangerAction },
  { path: /^\/sessions$/, view: sessionsScreen },
  { path: /^\/sessions\/([\w-]+)\/end$/, action: endSessionAction },
  { path: /^\/usage$/, view: usageScreen },
  { path: /^\/configuration$/, view: configurationScreen },
  { path: /^\/configuration\/changes$/, view: changesScreen },
  { path: /^\/audit$/, view: auditScreen },
]

/** The page of a path, and the ID in the path. */
export function findPage(path: string): { route: PageRoute; id: string } | undefined {
  for (const route of ROUTES) {
    const match = route.path.exec(path)
    if (match !== null) return { route, id: match[1] ?? '' }
  }
  return undefined
}

/** The value of the header `Allow`. */
export function methodsOf({ action }: PageRoute): readonly string[] {
  return action === undefined ? ['GET', 'HEAD'] : ['GET', 'HEAD', 'POST']
}
