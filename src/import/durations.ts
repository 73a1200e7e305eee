import { MAX_SECONDS } from './duration.js'
import { duration, type Handler } from './read.js'

/** A duration that is an option of `oauthModule()`, at most one year. */
export function durationOption(option: string): Handler {
  return duration((seconds, { name, draft }) => {
    draft.option(option, Math.min(seconds, MAX_SECONDS))
    if (seconds > MAX_SECONDS)
      draft.differs(name, 'is shortened to one year, the longest duration of an option.')
  })
}
