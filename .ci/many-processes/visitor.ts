import { setTimeout as sleep } from 'node:timers/promises'
import { type Browser, createBrowser, linksOf, type Page } from '../../__tests__/support/jar.js'
import type { Seen } from './app.js'
import { INTERRUPTED } from './proxy.js'

export interface World {
  readonly origin: string
  readonly providerOrigin: string
  readonly random: () => number
  readonly counts: Record<string, number>
  isOver(): boolean
  violation(what: string): void
  /**
   * Whether a crash between the provider's response and the write ended this login, the only
   * permitted loss.
   */
  isCostOfCrash(family: string): boolean
  /** What the provider gave the user at the latest login. */
  latestFamily(user: string): string
  hasRow(handle: string): Promise<boolean>
  /** Ends a session from outside; returns when a process has said that it is done. */
  revoke(handle: string): Promise<void>
  deleteUser(key: string): Promise<void>
  /** Lets a later release write the row. Returns a function that restores it. */
  replaceByNewerVersion(handle: string): Promise<(() => Promise<void>) | undefined>
  /** From now on no row may be there. */
  bury(handle: string): void
}

interface Login {
  readonly handle: string
  readonly family: string
}

const BURST = 6
/** What is under way at once meets in all its stages. */
const SPREAD = 100

/** One person with one browser, who does one thing after the other. */
export async function visit(name: string, world: World): Promise<void> {
  const { random, counts } = world
  const browser = createBrowser()
  browser.setCookie(`who=${name}; Path=/`, world.providerOrigin)
  const url = (path: string) => world.origin + path
  const count = (what: string) => void (counts[what] = (counts[what] ?? 0) + 1)
  const violation = (what: string) => world.violation(`${name}: ${what}`)
  let login: Login | undefined

  /** Repeats a request while its result is unknown or it gets 503. */
  const ask = async (
    path: string,
    options: Parameters<Browser['get']>[1] = { follow: false },
    by = browser,
  ): Promise<Page & { wasInterrupted: boolean }> => {
    for (let wasInterrupted = false; ; wasInterrupted = true) {
      const page = await by.get(url(path), options).catch(() => undefined)
      if (page !== undefined && ![INTERRUPTED, 503, 504].includes(page.status))
        return { ...page, wasInterrupted }
      const isAnswered = page !== undefined && page.status !== INTERRUPTED
      count(
        isAnswered
          ? `answers ${/[a-z]+_(?:unavailable|timeout)/.exec(page.body)?.[0]}`
          : 'requests interrupted',
      )
      await sleep(100)
    }
  }

  const read = (page: Page): Seen => {
    const seen = JSON.parse(page.body) as Seen
    const names = [seen.user, seen.header, seen.token?.split('.')[0] ?? name]
    if (names.some((one) => one !== name))
      violation(`was taken for ${JSON.stringify(names)} by ${seen.by}`)
    return seen
  }

  const logIn = async () => {
    let begun = await ask('/')
    // Three sessions that ended at other processes right after their login look like a login loop.
    const retry = begun.body.includes('cookie_lost') ? linksOf(begun)[0] : undefined
    if (retry !== undefined) {
      count('logins tried again')
      const { pathname, search } = new URL(retry)
      begun = await ask(pathname + search)
    }
    if (begun.status !== 302) return violation(`was not sent to a login: ${begun.status}`)
    const back = await browser.get(begun.location ?? '', { follow: false })
    // Meanwhile processes come and go, and secrets change.
    if (random() < 0.4) await sleep(random() * 4000)
    const { pathname, search } = new URL(back.location ?? '')
    const answer = await ask(pathname + search)
    if (answer.status !== 302 || answer.location !== url('/')) {
      if (answer.wasInterrupted) return count('logins interrupted')
      return violation(`a login under way broke: ${answer.status} ${answer.body.slice(0, 300)}`)
    }
    const page = await ask('/token')
    if (page.status !== 200) return lost(page, undefined)
    const { handle = '', token = '' } = read(page)
    login = { handle, family: token.split('.')[1] ?? '' }
    count('logins')
  }

  const lost = async (page: Page, known: Login | undefined) => {
    login = undefined
    const isThere = known !== undefined && (await world.hasRow(known.handle))
    if (isThere) return violation(`is logged out (${page.status}), but the row is there`)
    // Only the provider has seen a login whose first response was lost.
    if (!world.isCostOfCrash(known?.family ?? world.latestFamily(name)))
      return violation(
        `lost a session (${page.status})${known === undefined ? ' right after its login' : ''}`,
      )
    count(
      known === undefined ? 'logins that a crash has cost at once' : 'logins that a crash has cost',
    )
    if (known !== undefined) world.bury(known.handle)
  }

  const act = async (known: Login) => {
    // Not always: a renewed token is a write, and after a write no activity is written for a while.
    const likes = random() < 0.15 ? 0.5 : 0
    const paths = Array.from({ length: 1 + Math.floor(random() * BURST) }, () =>
      random() < likes ? '/token' : '/',
    )
    const pages = await Promise.all(
      paths.map(async (path) => {
        await sleep(random() * SPREAD)
        return ask(path)
      }),
    )
    for (const page of pages) {
      if (page.status !== 200) return lost(page, known)
      if (read(page).handle !== known.handle)
        violation('has another session than the one of the login')
      count('requests answered')
    }
  }

  /** Ends the session while its requests are under way. */
  const end = async ({ handle }: Login, how: string, ending: () => Promise<unknown>) => {
    const before = browser
      .cookies(url('/'))
      .map(({ key, value }) => `${key}=${value}`)
      .join('; ')
    const others = Array.from({ length: BURST }, async () => {
      await sleep(random() * SPREAD)
      const page = await ask('/', { follow: false, headers: { Cookie: before } })
      if (page.status === 200) read(page)
    })
    await sleep(random() * SPREAD)
    await ending()
    login = undefined
    world.bury(handle)
    count(how)
    // On every process, and with the old cookie.
    const after = await Promise.all(
      Array.from({ length: 4 }, () => ask('/', { follow: false, headers: { Cookie: before } })),
    )
    const isOut = after.every(({ status, body }) => status === 302 || body.includes('cookie_lost'))
    if (!isOut) violation(`is still there after being ${how}`)
    await Promise.all(others)
  }

  const meetOtherRelease = async (known: Login) => {
    const restore = await world.replaceByNewerVersion(known.handle)
    if (restore === undefined) return
    const page = await ask('/')
    if (page.status === 200) violation(`a row of a newer version was read: ${page.status}`)
    if (!(await world.hasRow(known.handle))) violation('a row of a newer version was deleted')
    await restore()
    count('rows of a newer version met')
    await act(known)
  }

  while (!world.isOver()) {
    const dice = random()
    if (login === undefined) await logIn()
    else if (dice < 0.9) await act(login)
    else if (dice < 0.925)
      await end(login, 'logged out', () =>
        ask('/auth/logout', { headers: { 'Sec-Fetch-Site': 'same-origin' } }),
      )
    else if (dice < 0.95) await end(login, 'revoked', () => world.revoke(login?.handle ?? ''))
    else if (dice < 0.97) await end(login, 'deleted', () => world.deleteUser(`idp:${name}`))
    else await meetOtherRelease(login)
    await sleep(random() * 700)
  }
  if (login !== undefined) await act(login)
}
