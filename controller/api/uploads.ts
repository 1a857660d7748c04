/** POST /v1/apps/APP/source: a folder as a tar archive, deployed like a push. The body is streamed, never held. */
import { Transform, type Readable } from 'node:stream'
import type { Request, RequestHandler } from 'express'
import { uploadQuery, type DeployAccepted } from '#core/contract/api.ts'
import { parse } from '#core/contract/schema.ts'
import { badRequest, bodyTooLarge, gitBusy, wrongMediaType } from '#core/domain/errors.ts'
import { makeId, type DeployId } from '#core/domain/ids.ts'
import { isOver, type Deploy } from '#core/domain/release.ts'
import { sleep } from '#core/runtime/clock.ts'
import { loadDeploy } from '#core/store/deploys.ts'
import { judgeFirstBlock, TAR_BLOCK } from '../git/tar-head.ts'
import { requireRunning } from '../halted.ts'
import { appOf } from './access.ts'
import { callerOf } from './auth.ts'
import type { ApiContext } from './context.ts'
import { deployView } from './views.ts'

/** A sender that is silent for so long has left. */
const IDLE_MS = 60_000

export function takeUpload(context: ApiContext): RequestHandler {
  return async (req, res) => {
    const { message } = parse(uploadQuery, { message: req.query['message'] })
    if (!req.is('application/x-tar')) throw wrongMediaType(req.headers['content-type'] ?? 'none')
    if (req.headers['content-encoding'] !== undefined) throw wrongMediaType('a Content-Encoding')
    const app = await appOf(req, context.store)
    await requireRunning(context.store, app, 'nothing can be deployed to it')
    const maxBytes = context.config.sourceMb * 1024 ** 2
    // Before a byte of it is read.
    if (Number(req.headers['content-length'] ?? 0) > maxBytes) throw bodyTooLarge(maxBytes)
    const { random, sources, deploys } = context
    const id = makeId('d', random(13)) as DeployId
    const source = await keepInTurn(req, app.tenantId, id, context)
    try {
      const deploy = await deploys.submit({
        id,
        app,
        kind: 'push',
        actor: callerOf(req).actor,
        description: `${message} (sha256:${source.slice(0, 12)})`,
        commit: null,
        source,
        fromRelease: null,
        config: null,
      })
      void removeWhenOver(deploy, context)
      res.status(202).json({ deploy: deployView(deploy) } satisfies DeployAccepted)
    } catch (error) {
      await sources.remove(id)
      throw error
    }
  }
}

/** @returns its SHA-256, in hex */
async function keepInTurn(
  req: Request,
  tenant: string,
  id: DeployId,
  { gitSlots, sources, signal }: ApiContext,
): Promise<string> {
  const giveBack = await gitSlots.pushes.take(tenant, AbortSignal.any([AbortSignal.timeout(gitSlots.waitMs), signal]))
  if (giveBack === null) throw gitBusy()
  try {
    return await sources.keep(id, checked(req))
  } finally {
    giveBack()
  }
}

/** Hands on what begins as an archive, as long as more of it comes. */
function checked(req: Request): Readable {
  let head: Buffer | null = Buffer.alloc(0)
  const idle = setTimeout(
    () => gate.destroy(badRequest('The upload stood still for a minute. Send it again.')),
    IDLE_MS,
  )
  const judge = (block: Buffer) => {
    const why = judgeFirstBlock(block)
    return why === null ? null : badRequest(why)
  }
  const gate: Transform = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      idle.refresh()
      if (head === null) return done(null, chunk)
      const begun = Buffer.concat([head, chunk])
      head = begun
      if (begun.length < TAR_BLOCK) return done()
      head = null
      done(judge(begun.subarray(0, TAR_BLOCK)), begun)
    },
    flush: (done) => done(head === null ? null : judge(head)),
  })
  gate.on('close', () => {
    clearTimeout(idle)
    // What still comes is read and forgotten, so that the sender hears the answer.
    req.resume()
  })
  req.on('error', (error) => gate.destroy(error))
  req.on('close', () => void (req.readableEnded || gate.destroy(badRequest('The upload broke off. Send it again.'))))
  return req.pipe(gate)
}

const LOOK_EVERY_MS = 1_000

/** What outlives this process is swept by the next. */
export async function removeWhenOver({ id }: Deploy, { store, sources, signal, log }: ApiContext): Promise<void> {
  while (!signal.aborted) {
    await sleep(LOOK_EVERY_MS, signal)
    const deploy = await loadDeploy(store, id).catch(() => undefined)
    if (deploy === undefined || (deploy !== null && !isOver(deploy))) continue
    return sources.remove(id).catch((error: unknown) => log.warn('source not removed', { deploy: id, error }))
  }
}
