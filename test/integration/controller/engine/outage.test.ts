import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isOver } from '#core/domain/release.ts'
import { sleep } from '#core/runtime/clock.ts'
import { loadInstances } from '#core/store/instances.ts'
import type { TestRedis } from '../../../helpers/redis.ts'
import { aPush, startEngine, until } from './engine.ts'

/** A Redis that remembers, to be killed and started again. */
async function openDurableRedis(): Promise<TestRedis & { start(): void; kill(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-redis-'))
  const path = join(folder, 'redis.sock')
  let child: ChildProcess | null = null
  const start = () => {
    const settings = ['--port', '0', '--unixsocket', path, '--appendonly', 'yes', '--dir', folder]
    child = spawn('redis-server', settings, { stdio: 'ignore' })
  }
  const kill = async () => {
    if (child?.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  start()
  return {
    url: `unix://${path}`,
    start,
    kill,
    async stop() {
      await kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

describe('the engine, when Redis is killed in the middle of a deploy (F01)', function () {
  this.timeout(90_000)

  for (const [outageMs, what] of [
    [1_000, 'for a second'],
    [12_000, 'for longer than any lease holds'],
  ] as const) {
    it(`finishes the deploy and moves nothing else, when it is away ${what}`, async () => {
      const redis = await openDurableRedis()
      const engine = await startEngine(() => Promise.resolve(redis))
      try {
        engine.startRouter()
        await engine.startAgent('host-a')
        const { deploys } = engine.startController()
        const app = await engine.createApp('shop')
        const first = await deploys.submit(aPush(app))
        await until('the first deploy', async () => isOver(await engine.deploy(first.id)))
        const before = (await loadInstances(engine.store)).map(({ desired }) => desired)

        engine.behaviour.build = 'hangs'
        const second = await deploys.submit(aPush(app))
        await until('the build', async () => (await engine.deploy(second.id)).state === 'building')
        await redis.kill()
        await sleep(outageMs)
        redis.start()
        await until('the store', () => engine.deploy(second.id).catch(() => false))
        assert.deepEqual(
          (await loadInstances(engine.store)).map(({ desired }) => desired),
          before,
        )

        engine.behaviour.build = 'works'
        const ended = await until(
          'the end of the deploy',
          async () => {
            const now = await engine.deploy(second.id)
            return isOver(now) && now
          },
          40_000,
        )
        assert.equal(ended.state, 'succeeded', ended.error ?? '')
        assert.equal(ended.buildEpoch, 1)
      } finally {
        await engine.stop()
      }
    })
  }
})
