import type { ClientTexts } from './types.js'

/** A button: its label, and what it does. */
export type Action = readonly [label: string, run: () => void]

/** What a dialog shows. */
export interface Question {
  readonly title: string
  readonly text: string
  readonly main: Action
  /** What `cancel` and the Escape key do. */
  readonly onCancel: () => void
  /** Whether the page waits for an answer. Otherwise, the dialog is a notice in a corner. */
  readonly isModal: boolean
}

// `medium` is the font size that the user has chosen, whatever that of the page is.
const styleOf = (colors: readonly string[]) => `
dialog{box-sizing:border-box;width:min(25em,100% - 2em);padding:1.5em;border:1px solid #8886;border-radius:1em;background:#fff;color:#1a1d21;font:medium/1.5 system-ui,sans-serif;text-align:start;overflow-wrap:anywhere;box-shadow:0 8px 32px #0003}
dialog:not(:modal){position:fixed;inset:auto 1em 1em;margin:0 0 0 auto;z-index:2147483647}
::backdrop{background:#0008}
h2{margin:0;font-size:1.25em;line-height:1.3;outline:0}
p{margin:.5em 0 1.25em}
button{display:block;width:100%;min-height:2.75em;margin-top:.625em;border:1px solid #8889;border-radius:.5em;background:0 0;color:inherit;font:inherit;cursor:pointer}
.main{background:${colors[0]};color:${colors[1]}}
button:focus-visible{outline:3px solid #1d5fd6;outline-offset:2px}
@media(prefers-color-scheme:dark){dialog{background:#17191d;color:#eceef1}.main{background:${colors[2]};color:${colors[3]}}button:focus-visible{outline-color:#8ab4ff}}`

/**
 * The one dialog of the page. It is in a shadow tree, so that the style of the page and its own do
 * not affect each other, and consists of elements and a constructed style sheet, which no Content
 * Security Policy forbids.
 */
export class Dialog {
  readonly #texts: ClientTexts
  readonly #colors: readonly string[]
  #element: HTMLDialogElement | undefined
  #cancel: (() => void) | undefined

  constructor(texts: ClientTexts, colors: readonly string[]) {
    this.#texts = texts
    this.#colors = colors
  }

  /** Shows a question in place of the previous one. */
  show({ title, text, main, onCancel, isModal }: Question): void {
    const dialog = (this.#element ??= this.#create())
    const add = (name: string, content: string) => {
      const element = dialog.appendChild(document.createElement(name))
      element.textContent = content
      return element
    }
    const button = ([label, run]: Action) => {
      const element = add('button', label)
      element.onclick = run
      return element
    }
    const isOpen = dialog.open && dialog.matches(':modal') === isModal
    if (!isOpen) dialog.close()
    this.#cancel = onCancel
    dialog.replaceChildren()
    dialog.ariaLabel = title
    const heading = add('h2', title)
    const paragraph = add('p', text)
    button(main).className = 'main'
    button([this.#texts.cancel, onCancel])
    // A notice must not take the focus from what the user is doing.
    if (!isModal) {
      paragraph.role = 'alert'
      dialog.open = true
    } else {
      if (!isOpen) dialog.showModal()
      // Not a button: the next key of a user who is typing must not press it.
      heading.tabIndex = -1
      heading.focus()
    }
  }

  /** Closes the dialog. The browser returns the focus to where it was. */
  hide(): void {
    this.#cancel = undefined
    this.#element?.close()
  }

  #create(): HTMLDialogElement {
    const { lang, dir } = this.#texts
    const host = document.createElement('oauth-client')
    Object.assign(host, { lang, dir })
    const root = host.attachShadow({ mode: 'open' })
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(styleOf(this.#colors))
    root.adoptedStyleSheets = [sheet]
    const dialog = root.appendChild(document.createElement('dialog'))
    // The event of Escape. That of `hide()` comes later and finds another question, or none.
    dialog.onclose = () => {
      if (!dialog.open) this.#cancel?.()
    }
    document.documentElement.append(host)
    return dialog
  }
}
