import { Dialog } from './dialog.js'
import { KeptForms } from './kept-forms.js'
import type { Dialogs } from './lazy-dialogs.js'
import { Prompt } from './prompt.js'
import type { SessionWatch } from './session-watch.js'
import type { ClientTexts, DialogColors } from './types.js'

/** Creates the dialogs of a page. */
export function createDialogs(
  watch: SessionWatch,
  texts: ClientTexts,
  colors: DialogColors,
): Dialogs {
  const prompt = new Prompt(watch, new Dialog(texts, colors), texts)
  const forms = new KeptForms(watch, prompt)
  return {
    signIn: (loginUrl, signal) => prompt.signIn(loginUrl, signal),
    react: (change) => prompt.react(change),
    submit: (form, submitter) => forms.submit(form, submitter),
    restore: () => forms.restore(),
  }
}
