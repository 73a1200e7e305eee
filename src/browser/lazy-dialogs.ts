import type { Change, SessionWatch } from './session-watch.js'

/**
 * What asks the user. Loaded when it is needed first. The rest of the script may be that of an
 * earlier release, from the cache of the browser: change this interface compatibly.
 */
export interface Dialogs {
  signIn(loginUrl?: string, signal?: AbortSignal | null): Promise<boolean>
  react(change: Change): void
  submit(form: HTMLFormElement, submitter: HTMLElement | null): Promise<boolean>
  restore(): Promise<void>
}

/** Loads the dialogs when they are needed first. */
export class LazyDialogs {
  readonly #load: () => Promise<Dialogs>
  #dialogs: Promise<Dialogs | undefined> | undefined

  constructor(watch: SessionWatch, load: (watch: SessionWatch) => Promise<Dialogs>) {
    this.#load = () => load(watch)
    watch.onChange = (change) => {
      const { name, isSilent } = change
      const isShown = !isSilent && name !== 'signin'
      if (this.#dialogs || isShown) void this.get().then((dialogs) => dialogs?.react(change))
    }
  }

  /** The dialogs; `undefined` if they cannot be loaded now. */
  get(): Promise<Dialogs | undefined> {
    return (this.#dialogs ??= this.#load().catch(() => (this.#dialogs = undefined)))
  }

  /** See {@link Dialogs}. `false` if the dialogs cannot be loaded. */
  async signIn(loginUrl?: string, signal?: AbortSignal | null): Promise<boolean> {
    return (await (await this.get())?.signIn(loginUrl, signal)) ?? false
  }
}
