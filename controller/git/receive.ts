/**
 * THE push story, from git's question "may this in?" to its answer, which comes when the deploy has ended: a release
 * that does not go live leaves its branch where it was.
 */
import { basename, dirname, join, normalize } from 'node:path'
import type { Duplex } from 'node:stream'
import { appUrl, type ApiContext } from '../api/context.ts'
import { followDeploy } from '../api/follow.ts'
import { toBerthError } from '../api/errors.ts'
import { requireRunning } from '../halted.ts'
import type { App } from '#core/domain/app.ts'
import { makeId, type DeployId } from '#core/domain/ids.ts'
import type { Deploy } from '#core/domain/release.ts'
import { loadApp } from '#core/store/apps.ts'
import { exit, readRequest, say, type HookRequest } from './hook.ts'
import { inspectCommit, readSubject } from './inspect.ts'
import { isNothing, judgePush, MAX_CHANGES, short, type BranchChange } from './policy.ts'
import type { Repository } from './repositories.ts'
import { runGit } from './run.ts'

export type Push = {
  app: App
  actor: string
  repository: Repository
  /** To the hook. */
  socket: Duplex
  /** Resolves when git has ended and its references are as they will be. */
  ended: Promise<unknown>
  /** Aborted when the client left. */
  gone: AbortSignal
  /** All that the client had to send is there. */
  received: () => void
  /** From here on git goes on without the client, so that the branch follows a deploy that succeeds. */
  accepted: () => void
}

/** A refusal is a sentence for the pusher. */
class Refused extends Error {}

export async function receive(push: Push, context: ApiContext): Promise<void> {
  const request = await readRequest(push.socket)
  if (!request) return exit(push.socket, 1)
  push.received()
  try {
    const taken = await take(push, request, context)
    exit(push.socket, taken ? 0 : 1)
  } catch (error) {
    explain(push, error, context)
    exit(push.socket, 1)
  }
}

/** @returns whether the refs may move */
async function take(push: Push, request: HookRequest | 'tooLong', context: ApiContext): Promise<boolean> {
  const app = await loadApp(context.store, push.app.id)
  if (!app) throw new Refused(`${push.app.name} was destroyed while this push was on its way.`)
  if (request === 'tooLong')
    throw new Refused(`This push changes more than ${MAX_CHANGES} branches and tags at once. Push fewer.`)
  const verdict = judgePush(request.changes, app.build.branch)
  if (!verdict.taken) throw new Refused(verdict.why)
  if (verdict.makesRefs) await requireRoomForRefs(push)
  for (const line of verdict.news) say(push.socket, line)
  return verdict.deploy === null || pushToDeploy(push, verdict.deploy, request.objects, context)
}

const MAX_REFS = 1_000

async function requireRoomForRefs({ app, repository }: Push): Promise<void> {
  const refs = await runGit(repository, ['for-each-ref', `--count=${MAX_REFS}`, '--format=%(refname)'])
  if (refs.split('\n').length < MAX_REFS) return
  throw new Refused(
    `${app.name} has ${MAX_REFS} branches and tags, the most that an app may have. Delete some: git push berth --delete NAME`,
  )
}

async function pushToDeploy(push: Push, change: BranchChange, objects: string, context: ApiContext): Promise<boolean> {
  await takeTurn(push, context)
  const archived = await archive(push, change, objectsEnvironment(push, objects), context)
  const deploy = await submit(push, change.commit, archived, context)
  push.accepted()
  say(
    push.socket,
    `Deploy ${deploy.id} accepted. It goes on if you press Ctrl-C; to see it again: berth builds:output -t -a ${push.app.name}`,
  )
  return report(push, deploy, await follow(push, deploy, context), context)
}

/** Pushes to one app go one after the other; a turn ends with git, when the branch has moved or will not. */
async function takeTurn(push: Push, { turns }: ApiContext): Promise<void> {
  const giveBack = await turns.take(`push:${push.app.id}`, () =>
    say(push.socket, 'Waiting for the deploy before this one to end…'),
  )
  void push.ended.then(giveBack)
  if (push.gone.aborted) throw new Refused('You left before this push was accepted.')
}

/**
 * Until the push is taken its objects lie in a folder of their own, beside the repository's.
 * @param objects what the hook said; anything but a folder directly under the repository's objects is refused
 */
function objectsEnvironment({ repository }: Push, objects: string): Record<string, string> {
  const kept = join(repository.path, 'objects')
  if (objects === '') return {}
  const path = normalize(objects)
  if (dirname(path) !== kept || !/^[\w-]+$/.test(basename(path))) throw new Error(`objects in ${path}`)
  return { GIT_OBJECT_DIRECTORY: path, GIT_ALTERNATE_OBJECT_DIRECTORIES: kept }
}

/** What is deployed last is what one sees after a clone, so HEAD names its branch. */
async function checkBranch({ repository }: Push, { branch, ref, old }: BranchChange): Promise<void> {
  const found = await runGit(repository, ['for-each-ref', '--format=%(HEAD)%(objectname)', ref])
  const now = found === '' ? '0'.repeat(40) : found.slice(1)
  if (now !== old && !(isNothing(now) && isNothing(old)))
    throw new Refused(
      `${branch} has moved from ${short(old)} to ${short(now)} while this push waited. Fetch, merge, and push again.`,
    )
  if (!found.startsWith('*')) await runGit(repository, ['symbolic-ref', 'HEAD', ref])
}

type Archived = { id: DeployId; source: string; subject: string | null }

/** The commit is archived while it is inspected; of one that is refused nothing is kept. */
async function archive(
  push: Push,
  change: BranchChange,
  env: Record<string, string>,
  { repositories, sources, random }: ApiContext,
): Promise<Archived> {
  const id = makeId('d', random(13)) as DeployId
  const refused = new AbortController()
  const source = sources.archive(id, push.repository, change.commit, env, refused.signal)
  // It may fail before it is waited for.
  source.catch(() => undefined)
  let subject: string | null
  try {
    const [inspected, said] = await Promise.all([
      inspectCommit(push.repository, change.commit, env, repositories.maxBytes),
      readSubject(push.repository, change.commit, env),
      checkBranch(push, change),
    ])
    subject = said
    if (!inspected.ok) throw new Refused(inspected.why)
    for (const line of inspected.warnings) say(push.socket, line)
  } catch (error) {
    refused.abort()
    await source.then(
      () => sources.remove(id),
      () => undefined,
    )
    throw error
  }
  return { id, source: await source, subject }
}

async function submit(
  push: Push,
  commit: string,
  { id, source, subject }: Archived,
  { store, sources, deploys }: ApiContext,
): Promise<Deploy> {
  try {
    const app = await loadApp(store, push.app.id)
    if (!app) throw new Refused(`${push.app.name} was destroyed while this push waited.`)
    await requireRunning(store, app, 'nothing can be deployed to it')
    return await deploys.submit({
      id,
      app,
      kind: 'push',
      actor: push.actor,
      description: `Deploy ${short(commit)}`,
      commit,
      ...(subject === null ? {} : { subject }),
      source,
      fromRelease: null,
      config: null,
    })
  } catch (error) {
    await sources.remove(id)
    throw error
  }
}

async function follow(push: Push, deploy: Deploy, { store, signal, now, sources }: ApiContext): Promise<Deploy | null> {
  const onLine = (line: string) => say(push.socket, line)
  const ended = await followDeploy({ store, id: deploy.id, onLine, signal, now })
  // A deploy that goes on after this controller needs its source still.
  if (!signal.aborted) await sources.remove(deploy.id)
  return ended
}

/** @returns true when the release went live */
async function report(
  push: Push,
  { id }: Deploy,
  ended: Deploy | null,
  { store, config, signal }: ApiContext,
): Promise<boolean> {
  const app = await loadApp(store, push.app.id)
  if (ended?.state === 'succeeded' && app) {
    say(push.socket, `v${ended.release} is live at ${appUrl(config, app.name)}`)
    return true
  }
  if (ended) {
    // Once there was a release, the reason says itself what serves now.
    const kept = app?.current && ended.release === null ? ` v${app.current.release} keeps serving.` : ''
    const what = ended.state === 'cancelled' ? 'Nothing was deployed' : 'Deploy failed'
    say(push.socket, `${what}: ${asSentence(ended.error ?? 'the reason is not known')}${kept}`)
  } else if (signal.aborted) {
    say(push.socket, `Berth is restarting. Deploy ${id} goes on after that: see berth releases -a ${push.app.name}`)
  } else {
    say(push.socket, `${push.app.name} was destroyed while this deploy ran.`)
  }
  return false
}

const asSentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`)

function explain(push: Push, error: unknown, { log }: ApiContext): void {
  if (error instanceof Refused) return say(push.socket, error.message)
  const { message, status } = toBerthError(error)
  if (status >= 500) log.error('push failed', { appId: push.app.id, error })
  say(push.socket, `This push was not deployed. ${message}`)
}
