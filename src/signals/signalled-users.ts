import type { LogoutIndex } from '../session/logout-index.js'
import type { UserEmails } from '../session/user-emails.js'
import { isSameIssuer } from './issuer.js'
import type { Signal, UserIdentifier } from './signal.js'

/** What {@link SignalledUsers} depends on. */
export interface SignalledUsersDeps {
  readonly index: LogoutIndex
  readonly emails: UserEmails
  /** Whether the user has a session. */
  readonly hasSession: (user: string) => Promise<boolean>
}

/** Finds the users that a signal is about. */
export class SignalledUsers {
  readonly #deps: SignalledUsersDeps

  constructor(deps: SignalledUsersDeps) {
    this.#deps = deps
  }

  /**
   * The keys of the users. Several identifiers are of one user. An address may belong to another
   * user by now, so it counts only where no other identifier finds a user with a session.
   */
  async find(signal: Signal, clientKey: string): Promise<readonly string[]> {
    const { users } = signal.subject
    const find = async (identifiers: readonly UserIdentifier[]) => {
      const found = identifiers.map((one) => this.#usersOf(one, signal, clientKey))
      return [...new Set((await Promise.all(found)).flat())]
    }
    const byEmail = users.filter(({ by }) => by === 'email')
    const byId = await find(users.filter(({ by }) => by !== 'email'))
    if (byEmail.length === 0) return byId
    const flags = await Promise.all(byId.map((user) => this.#deps.hasSession(user)))
    return flags.includes(true) ? byId : find(byEmail)
  }

  /** The user of a session with this ID of the provider. */
  async ofSession(id: string, clientKey: string): Promise<string | undefined> {
    return this.#deps.index.userOf('sid', clientKey, id)
  }

  async #usersOf(
    identifier: UserIdentifier,
    signal: Signal,
    clientKey: string,
  ): Promise<readonly string[]> {
    const { provider } = signal
    switch (identifier.by) {
      case 'subject':
        return isForeign(identifier, signal)
          ? []
          : this.#withSubject(identifier.subject, provider, clientKey)
      case 'opaque':
        return this.#withSubject(identifier.id, provider, clientKey)
      case 'email':
        return this.#deps.emails.find(clientKey, identifier.email)
      case 'id':
        return [`${provider}:${identifier.id}`]
      case 'key':
        return identifier.key.startsWith(`${provider}:`) ? [identifier.key] : []
    }
  }

  /** Most providers use `sub` as the ID of the user. */
  async #withSubject(
    subject: string,
    provider: string,
    clientKey: string,
  ): Promise<readonly string[]> {
    const user = await this.#deps.index.userOf('sub', clientKey, subject)
    if (user !== undefined) return [user]
    // Without a record of the subject, an unknown ID is that of a session.
    const isSession = (await this.ofSession(subject, clientKey)) !== undefined
    return isSession ? [] : [`${provider}:${subject}`]
  }
}

/** The subject of another issuer is another user. */
export function isForeign(
  identifier: UserIdentifier,
  { issuers }: Pick<Signal, 'issuers'>,
): boolean {
  return (
    identifier.by === 'subject' &&
    !issuers.some((issuer) => isSameIssuer(issuer, identifier.issuer))
  )
}
