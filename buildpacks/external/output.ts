/** Output of a buildpack that formats it itself, as Heroku's do, in the pusher's view: its titles are titles. Pure. */
import type { Output } from '../contract.ts'

export function relay(output: Output): Output {
  return {
    ...output,
    line(text) {
      const [, mark, rest = ''] = /^\s*(-----> ?|!\s+|\s{6,})(.*)$/.exec(text) ?? []
      if (mark === undefined) output.line(text)
      else if (mark.startsWith('-')) output.title(rest)
      else if (mark.startsWith('!')) output.warning(rest)
      else output.line(rest)
    },
  }
}
