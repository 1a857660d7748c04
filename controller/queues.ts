/** The hosts' job queues, from the sending side. A job is a hint: each agent's sync finds the same within ten seconds. */
import { randomUUID, type KeyObject } from 'node:crypto'
import { Queue } from 'bullmq'
import type { Job } from '#core/contract/jobs.ts'
import { unavailable } from '#core/domain/errors.ts'
import { queueName } from '#core/domain/host.ts'
import type { HostId } from '#core/domain/ids.ts'
import { connectPatient } from '#core/store/connection.ts'
import { signOrder } from './orders.ts'

export type HostQueues = {
  /** @throws UNAVAILABLE when Redis did not take the job within five seconds */
  send(host: HostId, job: Job): Promise<void>
  /** Deletes what waits for a host that is gone for good, and what is kept of its past. */
  forget(host: HostId): Promise<void>
  stop(): Promise<void>
}

const SEND_TIMEOUT_MS = 5_000
const KEEP_DONE = 20
const KEEP_FAILED = 100

/** @param url as in BERTH_REDIS_URL. Queues are opened when first used. @param key signs what is sent */
export function openQueues(url: string, key: KeyObject): HostQueues {
  const connection = connectPatient(url)
  const queues = new Map<HostId, Queue>()

  function queueOf(host: HostId): Queue {
    const open = queues.get(host)
    if (open) return open
    const queue = new Queue(queueName(host), {
      connection,
      defaultJobOptions: { attempts: 1, removeOnComplete: KEEP_DONE, removeOnFail: KEEP_FAILED },
    })
    // Reconnecting is ioredis's work, and who sends is told by the timeout.
    queue.on('error', () => {})
    queues.set(host, queue)
    return queue
  }

  return {
    async send(host, job) {
      const jobId = randomUUID()
      const order = signOrder(key, host, job, Date.now(), jobId)
      await within(SEND_TIMEOUT_MS, queueOf(host).add(job.kind, order, { jobId }))
    },
    async forget(host) {
      const queue = queueOf(host)
      queues.delete(host)
      await queue.obliterate({ force: true })
      await queue.close()
    },
    async stop() {
      // A queue waits for its connection before it closes, so without one there is nothing to wait for.
      if (connection.status === 'ready') await Promise.all([...queues.values()].map((queue) => queue.close()))
      connection.disconnect()
    },
  }
}

/** BullMQ waits through an outage for ever; whoever sends a hint does not. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const { promise: tooLate, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(unavailable('The job queue')), ms)
  // Sent after all, or failed after all: nobody waits for it any more.
  work.catch(() => {})
  try {
    await Promise.race([work, tooLate])
  } finally {
    clearTimeout(timer)
  }
}
