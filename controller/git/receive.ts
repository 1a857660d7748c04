/**
 * THE push story, from git's question "may this in?" to its answer, which comes when the deploy has ended: a release
 * that does not go live leaves main where it was.
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
import { isNothing, judgePush, short } from './policy.ts'
import { MAIN } from './repositories.ts'
import { runGit } from './settings.ts'

export type Push = {
  app: App
  actor: string
  /** To the hook. */
  socket: Duplex
  /** Resolves when git has ended and its references are as they will be. */
  ended: Promise<void>
  /** From here on git goes on without the client, so that main follows a deploy that succeeds. */
  accepted: () => void
}

/** A refusal is a sentence for the pusher. */
class Refused extends Error {}

export async function receive(push: Push, context: ApiContext): Promise<void> {
  const request = await readRequest(push.socket)
  if (!request) return exit(push.socket, 1)
  try {
    const wentLive = await pushToDeploy(push, request, context)
    exit(push.socket, wentLive ? 0 : 1)
  } catch (error) {
    explain(push, error, context)
    exit(push.socket, 1)
  }
}

async function pushToDeploy(push: Push, request: HookRequest, context: ApiContext): Promise<boolean> {
  const verdict = judgePush(request.changes)
  if (!verdict.taken) throw new Refused(verdict.why)
  const { old, commit } = verdict
  await takeTurn(push, context)
  const env = objectsEnvironment(push, request.objects, context)
  await checkMain(old, env)
  await checkTree(commit, env)
  const deploy = await submit(push, commit, env, context)
  push.accepted()
  say(push.socket, `Deploy ${deploy.id} accepted`)
  return report(push, deploy, await follow(push, deploy, context), context)
}

/** Pushes to one app go one after the other; a turn ends with git, when main has moved or will not. */
async function takeTurn(push: Push, { turns }: ApiContext): Promise<void> {
  const giveBack = await turns.take(`push:${push.app.id}`, () =>
    say(push.socket, 'Waiting for the deploy before this one to end…'),
  )
  void push.ended.then(giveBack)
}

/**
 * Until the push is taken its objects lie in a folder of their own, beside the repository's.
 * @param objects what the hook said; anything but a folder directly under the repository's objects is refused
 */
function objectsEnvironment(push: Push, objects: string, { repositories }: ApiContext): Record<string, string> {
  const repository = repositories.pathOf(push.app.id)
  const kept = join(repository, 'objects')
  const env = { ...repositories.env, GIT_DIR: repository }
  if (objects === '') return env
  const path = normalize(objects)
  if (dirname(path) !== kept || !/^[\w-]+$/.test(basename(path))) throw new Error(`objects in ${path}`)
  return { ...env, GIT_OBJECT_DIRECTORY: path, GIT_ALTERNATE_OBJECT_DIRECTORIES: kept }
}

async function checkMain(old: string, env: Record<string, string>): Promise<void> {
  const found = await runGit(['for-each-ref', '--format=%(objectname)', MAIN], env)
  const main = found === '' ? '0'.repeat(40) : found
  if (main === old || (isNothing(main) && isNothing(old))) return
  throw new Refused(
    `main has moved from ${short(old)} to ${short(main)} while this push waited. Fetch, merge, and push again.`,
  )
}

async function checkTree(commit: string, env: Record<string, string>): Promise<void> {
  const files = await runGit(['ls-tree', '--name-only', `${commit}^{tree}`], env)
  if (files === '') throw new Refused(`Commit ${short(commit)} holds no files, so there is nothing to deploy.`)
}

async function submit(
  push: Push,
  commit: string,
  env: Record<string, string>,
  { store, sources, deploys, random }: ApiContext,
): Promise<Deploy> {
  const app = await loadApp(store, push.app.id)
  if (!app) throw new Refused(`${push.app.name} was destroyed while this push waited.`)
  await requireRunning(store, app, 'nothing can be deployed to it')
  const id = makeId('d', random(13)) as DeployId
  const source = await sources.archive(id, commit, env)
  try {
    return await deploys.submit({
      id,
      app,
      kind: 'push',
      actor: push.actor,
      description: `Deploy ${short(commit)}`,
      commit,
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
    say(push.socket, `Deploy failed: ${asSentence(ended.error ?? 'the reason is not known')}${kept}`)
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
