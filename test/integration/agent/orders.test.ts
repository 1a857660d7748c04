/** C16: jobs on a host's queue, written by its controller and by somebody who only knows Redis. */
import assert from 'node:assert/strict'
import { Queue } from 'bullmq'
import type { KeyObject } from 'node:crypto'
import { ORDER, type Job, type SignedOrder } from '#core/contract/jobs.ts'
import { queueName } from '#core/domain/host.ts'
import type { HostId, InstanceId } from '#core/domain/ids.ts'
import { sleep } from '#core/runtime/clock.ts'
import type { Log } from '#core/runtime/log.ts'
import { makeSigningKey, publicHalf, readPublicKey, readSigningKey, signText } from '#core/runtime/signing.ts'
import { connectPatient } from '#core/store/connection.ts'
import { createOrders, type Orders } from '../../../agent/orders.ts'
import { startWorker, type JobWorker } from '../../../agent/worker.ts'
import { ORDER_MS, signOrder } from '../../../controller/orders.ts'
import { openQueues, type HostQueues } from '../../../controller/queues.ts'
import { startRedis, type TestRedis } from '../../helpers/redis.ts'

const HOST = 'host-a' as HostId
const jobOf = (id: string): Job => ({ kind: 'instance', instanceId: id as InstanceId })

describe('C16 an agent', function () {
  this.timeout(30_000)
  let redis: TestRedis
  let queues: HostQueues
  let forger: Queue
  let worker: JobWorker
  let orders: Orders
  let controllerKey: KeyObject
  /** What the controller answers when it is asked for its key, and what the agent holds. */
  let told: KeyObject
  let held: KeyObject
  const done: string[] = []
  const logged: string[] = []
  const note = (message: string, fields?: object) => void logged.push(`${message} ${JSON.stringify(fields)}`)
  const log = { debug: note, info: note, warn: note, error: note } as unknown as Log

  before(async () => {
    redis = await startRedis()
    controllerKey = readSigningKey(makeSigningKey())
    told = held = readPublicKey(publicHalf(controllerKey))
    queues = openQueues(redis.url, controllerKey)
    forger = new Queue(queueName(HOST), { connection: connectPatient(redis.url) })
    const key = { current: () => held, renew: () => Promise.resolve(void (held = told)) }
    orders = createOrders({ hostId: HOST, key, log, now: () => Date.now() })
    const handle = (id: string) => Promise.resolve(void done.push(id))
    const handlers = { instance: handle, build: handle, stack: handle, session: handle }
    worker = startWorker({ redisUrl: redis.url, hostId: HOST, orders, log, handlers })
  })
  after(async () => {
    await worker.stop()
    await queues.stop()
    await forger.close()
    await redis.stop()
  })
  beforeEach(() => {
    done.length = 0
    logged.length = 0
  })

  /** Jobs come in order: what was sent before the last one has been looked at when that one is done. */
  async function allLookedAt(): Promise<void> {
    await queues.send(HOST, jobOf('i-last'))
    for (const end = Date.now() + 20_000; !done.includes('i-last'); await sleep(10))
      assert.ok(Date.now() < end, 'no end')
    await sleep(50)
  }
  const forge = (data: unknown, jobId = 'forged') => forger.add('instance', data, { jobId, removeOnComplete: true })
  const signed = (over: { key?: KeyObject; host?: HostId; at?: number; nonce?: string } = {}): SignedOrder =>
    signOrder(
      over.key ?? controllerKey,
      over.host ?? HOST,
      jobOf('i-evil'),
      over.at ?? Date.now(),
      over.nonce ?? 'forged',
    )
  const altered = (): SignedOrder => {
    const { order, signature } = signed()
    return { order: order.replace('i-evil', 'i-live'), signature }
  }

  it('does what its controller sends', async () => {
    await queues.send(HOST, jobOf('i-one'))
    await allLookedAt()
    assert.deepEqual(done, ['i-one', 'i-last'])
    assert.deepEqual(orders.refused(), { count: 0, last: null })
  })

  const forgeries: [what: string, data: () => unknown, reason: string][] = [
    ['has no signature', () => jobOf('i-evil'), 'unsigned'],
    ['is nothing like a job', () => ({ order: { a: 1 }, signature: ['x'] }), 'unsigned'],
    ['has an empty signature', () => ({ ...signed(), signature: '' }), 'forged'],
    ['was signed by somebody else', () => signed({ key: readSigningKey(makeSigningKey()) }), 'forged'],
    ['was altered after it was signed', altered, 'forged'],
    [
      'was signed by the controller for another use',
      () => {
        const { order } = signed()
        return { order, signature: signText(controllerKey, `${ORDER}0`, order) }
      },
      'forged',
    ],
    ['was sent to another host', () => signed({ host: 'host-a-2' as HostId }), 'otherHost'],
    ['was another job of this host’s', () => signed({ nonce: 'n-of-another' }), 'replayed'],
  ]
  for (const [what, data, reason] of forgeries)
    it(`ignores, counts and tells of a job that ${what}`, async () => {
      const before = orders.refused().count
      await forge(data())
      await allLookedAt()
      assert.deepEqual(done, ['i-last'])
      assert.equal(orders.refused().count, before + 1)
      assert.equal(orders.refused().last?.reason, reason)
      assert.ok((orders.counts().get(reason as never) ?? 0) > 0)
      assert.doesNotMatch(logged.join('\n'), /i-evil|i-live|forged"?:|n-of-another/)
    })

  it('does not do what is over, and tells nobody where no agent was there to do it in time', async () => {
    const before = orders.refused().count
    await forge(signed({ at: Date.now() - ORDER_MS - 60_000 }))
    await allLookedAt()
    assert.deepEqual(done, ['i-last'])
    assert.equal(orders.refused().count, before)
  })

  it('does a job once that is delivered twice', async () => {
    const order = signed({ nonce: 'n-twice' })
    for (let n = 0; n < 2; n++) {
      await forge(order, 'n-twice')
      await allLookedAt()
    }
    assert.equal(done.filter((id) => id === 'i-evil').length, 1)
  })

  it('asks its controller for its key when that has another one, and then obeys that only', async () => {
    const another = readSigningKey(makeSigningKey())
    told = readPublicKey(publicHalf(another))
    await forge(signed({ key: another, nonce: 'n-new' }), 'n-new')
    for (const end = Date.now() + 20_000; done.length === 0; await sleep(10)) assert.ok(Date.now() < end, 'not obeyed')
    const before = orders.refused().count
    await forge(signed({ nonce: 'n-old' }), 'n-old')
    for (const end = Date.now() + 20_000; orders.refused().count === before; await sleep(10))
      assert.ok(Date.now() < end, 'not refused')
    assert.deepEqual(done, ['i-evil'])
  })
})
