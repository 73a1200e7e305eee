/** Where the page was, with its fragment: servers do not receive it. */
const PAGE_KEY = 'oauth-module:page'
/** A form that could not be sent. */
export const FORM_KEY = 'oauth-module:form'

/** Whether a value is kept. */
export function isKept(key: string): boolean {
  try {
    return key in sessionStorage
  } catch {
    return false
  }
}

/** Keeps a value in the tab, if the browser allows that. */
export function keep(key: string, value: string): void {
  try {
    sessionStorage.setItem(key, value)
  } catch {
    // Without storage, the login returns to the page without its fragment.
  }
}

/** Takes a kept value out of the tab. */
export function take(key: string): string | undefined {
  try {
    const value = sessionStorage.getItem(key) ?? undefined
    sessionStorage.removeItem(key)
    return value
  } catch {
    return undefined
  }
}

/** Signs in on this page. */
export function leave(loginUrl: string): void {
  keep(PAGE_KEY, location.href)
  location.assign(loginUrl)
}

/** After the login, restores the fragment of the page. */
export function restoreFragment(): void {
  const [page, fragment] = (take(PAGE_KEY) ?? '').split(/(?=#)/)
  // Not `history.replaceState()`: routers listen for the change.
  if (fragment && page === location.href) location.replace(fragment)
}
