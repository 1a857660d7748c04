/** ◆ What may be pushed: branches and tags; one branch deploys, the others are stored. */

/** A change of the branch that deploys. */
export type BranchChange = { branch: string; ref: string; old: string; commit: string }

export type Verdict =
  | {
      taken: true
      /** What to deploy; null: nothing of this push. */
      deploy: BranchChange | null
      /** Whether refs are made, which count against the app's limit. */
      makesRefs: boolean
      /** What becomes of the rest, for the pusher. */
      news: string[]
    }
  | { taken: false; why: string }

type Change = { old: string; commit: string; ref: string }

export const MAX_CHANGES = 200
const MAX_REF_LENGTH = 200
const NAMED = 5

/**
 * @param lines git's `OLD NEW REF` per changed ref (githooks(5), pre-receive)
 * @param chosen the branch that the app deploys; null: main or master
 */
export function judgePush(lines: string[], chosen: string | null): Verdict {
  const deploying = chosen === null ? ['main', 'master'] : [chosen]
  const how = `push to ${deploying[0]}: git push berth HEAD:${deploying[0]}`
  const changes = lines.map(readChange)
  if (changes.length === 0 || changes.includes(null)) return refuse('This push changes nothing that Berth can read.')
  if (changes.length > MAX_CHANGES)
    return refuse(`This push changes more than ${MAX_CHANGES} branches and tags at once. Push fewer; to deploy, ${how}`)
  const all = changes as Change[]
  const bad = all.find(({ ref }) => !isStorable(ref))
  if (bad)
    return refuse(
      `${JSON.stringify(bad.ref.slice(0, MAX_REF_LENGTH))} is neither a branch nor a tag that Berth stores; to deploy, ${how}`,
    )
  const deploys = all.filter(({ ref }) => deploying.some((name) => ref === `refs/heads/${name}`))
  const [deploy, second] = deploys
  if (deploy && second)
    return refuse(
      `This push changes both ${deploying.join(' and ')}, and one release runs one commit. Push one of the two.`,
    )
  if (deploy && isNothing(deploy.commit))
    return refuse(
      `${nameOf(deploy.ref)} is what is deployed, so it cannot be deleted. To remove the app with all it has: berth apps:destroy`,
    )
  const others = all.filter((change) => change !== deploy)
  return {
    taken: true,
    deploy: deploy ? { branch: deploy.ref.slice('refs/heads/'.length), ...deploy } : null,
    makesRefs: others.some(({ old, commit }) => isNothing(old) && !isNothing(commit)),
    news: [...tellDeleted(others), ...tellStored(others, deploying, deploy !== undefined)],
  }
}

const readChange = (line: string): Change | null => {
  const [, old, commit, ref] = /^([0-9a-f]{40}|[0-9a-f]{64}) ([0-9a-f]{40}|[0-9a-f]{64}) (refs\/.+)$/.exec(line) ?? []
  return old === undefined || commit === undefined || ref === undefined ? null : { old, commit, ref }
}

/** Git's own rules hold already (git-check-ref-format(1)); a part that begins with a dash would be an option to somebody's git. */
const isStorable = (ref: string): boolean =>
  ref.length <= MAX_REF_LENGTH && /^refs\/(heads|tags)\/[^/-][^/]*(\/[^/-][^/]*)*$/.test(ref) && !/\p{Cc}/u.test(ref)

function tellDeleted(changes: Change[]): string[] {
  const gone = changes.filter(({ commit }) => isNothing(commit)).map(({ ref }) => nameOf(ref))
  return gone.length === 0 ? [] : [`Deleted: ${list(gone)}.`]
}

function tellStored(changes: Change[], deploying: string[], deploysToo: boolean): string[] {
  const kept = changes.filter(({ commit }) => !isNothing(commit))
  const [first] = kept
  if (!first) return []
  const names = list(kept.map(({ ref }) => nameOf(ref)))
  const lines = [`Stored, not deployed: ${names}.`]
  if (!deploysToo)
    lines.push(
      `Pushes to ${deploying.join(' or ')} deploy. To deploy this one: git push berth ${first.ref.replace(/^refs\/(heads|tags)\//, '')}:${deploying[0]}`,
    )
  return lines
}

const list = (names: string[]): string =>
  names.slice(0, NAMED).join(', ') + (names.length > NAMED ? ` and ${names.length - NAMED} more` : '')

export const isNothing = (commit: string): boolean => /^0+$/.test(commit)

export const short = (commit: string): string => (isNothing(commit) ? 'nothing' : commit.slice(0, 7))

const refuse = (why: string): Verdict => ({ taken: false, why })

const nameOf = (ref: string): string =>
  ref.startsWith('refs/tags/') ? `the tag ${ref.slice('refs/tags/'.length)}` : ref.slice('refs/heads/'.length)
