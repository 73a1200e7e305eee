import type { Dialogs } from './lazy-dialogs.js'
import { FORM_KEY, keep, take } from './leave.js'
import type { Prompt } from './prompt.js'
import type { SessionWatch } from './session-watch.js'

/** Never kept, also while a button of the page shows the password. */
const SECRET =
  '[type=password],[autocomplete*=password],[autocomplete^=cc-],[autocomplete=one-time-code]'
/** How long a form is kept while its user signs in on the page. */
const LIFETIME_MS = 3_600_000

/** A form that could not be sent. */
interface KeptForm {
  readonly user: string | undefined
  readonly until: number
  readonly action: string
  readonly enctype: string
  readonly fields: readonly (readonly [name: string, value: string])[]
}

/** Forms that are sent after their user has signed in again. */
export class KeptForms implements Pick<Dialogs, 'submit' | 'restore'> {
  readonly #watch: SessionWatch
  readonly #prompt: Prompt

  constructor(watch: SessionWatch, prompt: Prompt) {
    this.#watch = watch
    this.#prompt = prompt
  }

  /** Without a session, has the user sign in. Returns whether to send the form. */
  async submit(form: HTMLFormElement, submitter: HTMLElement | null): Promise<boolean> {
    keep(FORM_KEY, JSON.stringify(contentOf(form, submitter, this.#watch.pageUser)))
    const isReady = (await this.#prompt.signIn()) && (await this.#prompt.confirm())
    take(FORM_KEY)
    return isReady
  }

  /** Sends a form that was kept while its user signed in on the page. */
  async restore(): Promise<void> {
    const user = this.#watch.latest?.user?.key
    // The user has not signed in yet.
    if (user === undefined) return
    const kept = JSON.parse(take(FORM_KEY) ?? 'null') as KeptForm | null
    if (!kept || kept.until < Date.now() || (kept.user ?? user) !== user) return
    if (await this.#prompt.confirm()) send(kept)
  }
}

function contentOf(
  form: HTMLFormElement,
  submitter: HTMLElement | null,
  user: string | undefined,
): KeptForm {
  const isSecret = (name: string) =>
    [...form.querySelectorAll<HTMLInputElement>(SECRET)].some((input) => input.name === name)
  const fields = [...new FormData(form, submitter)].filter(
    (field): field is [string, string] => typeof field[1] === 'string' && !isSecret(field[0]),
  )
  // Not their properties, which fields of these names hide.
  const read = (name: string) => submitter?.getAttribute(`form${name}`) ?? form.getAttribute(name)
  return {
    user,
    until: Date.now() + LIFETIME_MS,
    action: read('action') ?? '',
    enctype: read('enctype') ?? '',
    fields,
  }
}

function send({ action, enctype, fields }: KeptForm): void {
  const form = document.createElement('form')
  Object.assign(form, { method: 'post', action, enctype })
  for (const [name, value] of fields)
    form.append(Object.assign(document.createElement('input'), { type: 'hidden', name, value }))
  document.documentElement.append(form)
  // A field named `submit` hides the method of the form.
  HTMLFormElement.prototype.submit.call(form)
}
