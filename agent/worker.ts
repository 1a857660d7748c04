/** The host's queue: job name → handler, nothing else. A job is a hint; the sync finds the same by itself. */
import { Worker } from 'bullmq'
import { job, queueName } from '#core/contract/jobs.ts'
import { parse } from '#core/contract/schema.ts'
import type { DeployId, HostId, InstanceId } from '#core/domain/ids.ts'
import type { Log } from '#core/runtime/log.ts'
import { connectPatient } from '#core/store/connection.ts'

export type Handlers = {
  instance(id: InstanceId): Promise<void>
  build(id: DeployId): Promise<void>
  stack(name: string): Promise<void>
  session(session: string, instance: InstanceId): Promise<void>
}
export type JobWorker = { stop(): Promise<void> }

const CONCURRENCY = 32

export function startWorker(context: { redisUrl: string; hostId: HostId; log: Log; handlers: Handlers }): JobWorker {
  const { redisUrl, hostId, log, handlers } = context
  const connection = connectPatient(redisUrl)
  const worker = new Worker(
    queueName(hostId),
    async ({ data }) => {
      const work = parse(job, data, 'job')
      switch (work.kind) {
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
