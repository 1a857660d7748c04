/** What may be pushed: one change, to main, that brings something. Pure. */

export type Verdict = { taken: true; old: string; commit: string } | { taken: false; why: string }

const HOW = 'push to main: git push berth HEAD:main'

/** @param changes git's `OLD NEW REF` lines */
export function judgePush(changes: string[]): Verdict {
  const [change, ...others] = changes
  const match = /^([0-9a-f]{40}|[0-9a-f]{64}) ([0-9a-f]{40}|[0-9a-f]{64}) (refs\/.+)$/.exec(change ?? '')
  if (!match) return refuse('This push changes nothing that Berth can read.')
  if (others.length > 0) return refuse(`This push changes ${changes.length} refs at once; ${HOW}`)
  const [, old = '', commit = '', ref = ''] = match
  if (ref !== 'refs/heads/main') return refuse(`${nameOf(ref)} is not deployed; ${HOW}`)
  if (isNothing(commit)) return refuse('main cannot be deleted. To remove the app with all it has: berth apps:destroy')
  return { taken: true, old, commit }
}

export const isNothing = (commit: string): boolean => /^0+$/.test(commit)

export const short = (commit: string): string => (isNothing(commit) ? 'nothing' : commit.slice(0, 7))

const refuse = (why: string): Verdict => ({ taken: false, why })

function nameOf(ref: string): string {
  if (ref.startsWith('refs/tags/')) return `The tag ${ref.slice('refs/tags/'.length)}`
  if (ref.startsWith('refs/heads/')) return `The branch ${ref.slice('refs/heads/'.length)}`
  return ref
}
