/**
 * One conversation with git, whichever way a client came in: who may have how much, git in its sandbox, and for a push the
 * story in receive.ts. http.ts and ../ssh bring the client's bytes and say in their own way what is refused here.
 */
import type { Readable, Writable } from 'node:stream'
import type { App } from '#core/domain/app.ts'
import { gitBusy, repositoryFull, tenantSuspended } from '#core/domain/errors.ts'
import { suspensionOf } from '#core/domain/quota.ts'
import { loadTenant } from '#core/store/tenants.ts'
import type { ApiContext } from '../api/context.ts'
import { receive } from './receive.ts'
import { exit } from './hook.ts'
import type { Repository } from './repositories.ts'
import { startGit, type RunningGit } from './run.ts'
import type { Slots } from './slots.ts'

export type Service = 'git-upload-pack' | 'git-receive-pack'

export type Client = {
  app: App
  actor: string
  service: Service
  /** Of the service, e.g. `--stateless-rpc`. */
  args: string[]
  /** The client's `GIT_PROTOCOL` (gitprotocol-v2(5)), checked. */
  protocol: string
  input: Readable
  output: Writable
  /** Git's own complaints; not there: git sends them along its answer. */
  complaints?: Writable
  /** Aborted when the client left. */
  gone: AbortSignal
}

/** A client that is silent for so long while git waits for it is cut off, and so is one that takes more than this in all. */
const IDLE_MS = 120_000
export const TRANSFER_MS = 30 * 60_000

/** What a push may still bring, in bytes. @throws TENANT_SUSPENDED, REPOSITORY_FULL */
export async function requirePushable(app: App, context: ApiContext): Promise<number> {
  const tenant = await loadTenant(context.store, app.tenantId)
  const suspension = tenant && suspensionOf(tenant)
  if (suspension) throw tenantSuspended(app.tenantId, suspension.reason)
  const { maxBytes, usedBytes } = await context.repositories.room(app.id)
  if (usedBytes >= maxBytes) throw repositoryFull(app.name, usedBytes, maxBytes)
  return maxBytes - usedBytes
}

/** Tells the client which refs there are, and ends: the first call over HTTP. @throws GIT_BUSY */
export function advertiseGit(client: Client, context: ApiContext): Promise<number | null> {
  return inTurn(client, context.gitSlots.fetches, context, () => answer(client, context))
}

/**
 * The whole conversation.
 * @returns git's exit code; null when it was ended
 * @throws before anything was answered: GIT_BUSY, TENANT_SUSPENDED, REPOSITORY_FULL
 */
export async function serveGit(client: Client, context: ApiContext): Promise<number | null> {
  if (client.service === 'git-upload-pack') return advertiseGit(client, context)
  const roomBytes = await requirePushable(client.app, context)
  return inTurn(client, context.gitSlots.pushes, context, (giveBack) => push(client, roomBytes, giveBack, context))
}

async function inTurn(
  { app, gone }: Client,
  slots: Slots,
  { signal, gitSlots }: ApiContext,
  act: (giveBack: () => void) => Promise<number | null>,
): Promise<number | null> {
  const giveBack = await slots.take(app.tenantId, AbortSignal.any([AbortSignal.timeout(gitSlots.waitMs), gone, signal]))
  if (giveBack === null) throw gitBusy()
  try {
    return await act(giveBack)
  } finally {
    giveBack()
  }
}

/** Git reads and answers; nothing is changed. */
async function answer(client: Client, { repositories }: ApiContext): Promise<number | null> {
  const repository = await repositories.open(client.app.id)
  const git = startGit(repository, commandOf(client, repository), { env: protocolOf(client) })
  client.gone.addEventListener('abort', git.kill)
  await converse(client, git).over
  return git.ended
}

const commandOf = ({ service, args }: Client, { path }: Repository): string[] => [
  service.slice('git-'.length),
  ...args,
  path,
]

async function push(
  client: Client,
  roomBytes: number,
  giveBack: () => void,
  context: ApiContext,
): Promise<number | null> {
  const { app, actor } = client
  const { repository, leave } = await context.repositories.enter(app.id)
  const limited = repository.with({ 'receive.maxInputSize': String(roomBytes) })
  const git = startGit(limited, commandOf(client, repository), { env: protocolOf(client), withSocket: true })
  if (git.socket === null) throw new Error('git was started without its socket')
  const { socket } = git
  let outlives = false
  const onGone = () => void (outlives || letGo(git))
  client.gone.addEventListener('abort', onGone)
  const conversation = converse(client, git)
  const received = () => {
    conversation.relax()
    giveBack()
  }
  const accepted = () => void (outlives = true)
  try {
    await Promise.all([
      conversation.over,
      receive({ app, actor, repository, socket, ended: git.ended, gone: client.gone, received, accepted }, context),
    ])
    return await git.ended
  } finally {
    client.gone.removeEventListener('abort', onGone)
    leave()
  }
}

const LET_GO_MS = 3_000

/** Git that reads an end, or a no from its hook, removes what it wrote; one that is killed does not. */
function letGo(git: RunningGit): void {
  git.stdin.destroy()
  if (git.socket) exit(git.socket, 1)
  setTimeout(git.kill, LET_GO_MS).unref()
}

const protocolOf = ({ protocol }: Client): Record<string, string> => (protocol === '' ? {} : { GIT_PROTOCOL: protocol })

type Conversation = {
  /** Resolves when git has ended and all it said is handed on, or there is nobody to hand it to. Never rejects. */
  over: Promise<void>
  /** From here on the client owes nothing: it waits for its deploy. */
  relax: () => void
}

/** Hands bytes both ways, at the slower one's pace. */
function converse({ input, output, complaints }: Client, git: RunningGit): Conversation {
  const patience = watch(git)
  input.on('data', patience.renew)
  git.stdout.on('data', patience.renew)
  // All is there: what takes time now is git's own work.
  input.on('end', patience.stopWatchingIdleness)
  input.on('error', () => git.stdin.destroy())
  input.pipe(git.stdin)
  git.stdout.pipe(output, { end: false })
  output.on('close', () => {
    // The client left. What still comes must flow off, or a git that outlives it would wait for ever.
    git.stdout.unpipe(output)
    git.stdout.resume()
  })
  if (complaints) git.stderr.pipe(complaints, { end: false })
  else git.stderr.resume()
  const over = git.ended.then(() => {
    patience.end()
    input.unpipe(git.stdin)
    // What a client still sends to a git that has had enough is read and forgotten: it hears the answer at its end.
    input.resume()
  })
  return { over, relax: patience.end }
}

/** Ends a conversation in which nobody says anything, or that takes too long in all. */
function watch(git: RunningGit) {
  const total = setTimeout(git.kill, TRANSFER_MS)
  let idle: NodeJS.Timeout | null = setTimeout(() => letGo(git), IDLE_MS)
  const stopWatchingIdleness = () => {
    if (idle) clearTimeout(idle)
    idle = null
  }
  return {
    renew: () => void idle?.refresh(),
    stopWatchingIdleness,
    end: () => {
      clearTimeout(total)
      stopWatchingIdleness()
    },
  }
}
