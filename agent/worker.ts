/** The host's queue: job name → handler, nothing else. A job is a hint; the sync finds the same by itself. */
import { Worker } from 'bullmq'
import { queueName } from '#core/domain/host.ts'
import type { DeployId, HostId, InstanceId } from '#core/domain/ids.ts'
import type { Log } from '#core/runtime/log.ts'
import { connectPatient } from '#core/store/connection.ts'
import type { Orders } from './orders.ts'

export type Handlers = {
  instance(id: InstanceId): Promise<void>
  build(id: DeployId): Promise<void>
  stack(name: string): Promise<void>
  session(session: string, instance: InstanceId): Promise<void>
}
export type JobWorker = { stop(): Promise<void> }

const CONCURRENCY = 32

type Context = { redisUrl: string; hostId: HostId; orders: Pick<Orders, 'read'>; log: Log; handlers: Handlers }

export function startWorker({ redisUrl, hostId, orders, log, handlers }: Context): JobWorker {
  const connection = connectPatient(redisUrl)
  const worker = new Worker(
    queueName(hostId),
    async ({ data, id }) => {
      const work = await orders.read(data, id)
      switch (work?.kind) {
        case undefined:
          return
        case 'instance':
          return handlers.instance(work.instanceId)
        case 'build':
          return handlers.build(work.deployId)
        case 'session':
          return handlers.session(work.session, work.instanceId)
        case 'stack':
          return handlers.stack(work.stack)
      }
    },
    { connection, concurrency: CONCURRENCY },
  )
  worker.on('error', (error) => log.debug('queue connection failed', { error }))
  worker.on('failed', (failed, error) => log.warn('job failed', { job: failed?.id, error }))
  return {
    async stop() {
      await worker.close(true).catch(() => undefined)
      connection.disconnect()
    },
  }
}
