import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import type { AppId } from '#core/domain/ids.ts'
import type { Desired } from '#core/domain/instance.ts'
import { silentLog } from '#core/runtime/log.ts'
import { connectStore, type Store } from '#core/store/connection.ts'
import { keys } from '#core/store/keys.ts'
import { appendLogLines, readLogsAfter } from '#core/store/logs.ts'
import { startRedis, type TestRedis } from '#test/helpers/redis.ts'
import { startTestHost, type TestHost } from '#test/helpers/sandboxes.ts'
import { followOutput, type ReadSoFar } from '../../../agent/logs.ts'
import { createOutbox, type Outbox } from '../../../agent/outbox.ts'
import { logOf, waitForSandbox, type SandboxHandle } from '../../../agent/sandbox/index.ts'

const MIB = 1024 ** 2
const app = 'a-one' as AppId

describe('An app that prints while the log is away', function () {
  this.timeout(240_000)
  let world: TestHost
  let redis: TestRedis
  let store: Store
  let outbox: Outbox
  before(async () => {
    world = await startTestHost()
    redis = await startRedis()
    store = connectStore(redis.url)
    outbox = createOutbox({
      log: silentLog,
      append: (id, origin, lines, dropped) => appendLogLines(store, id, origin, lines, dropped),
    })
  })
  after(async () => {
    outbox?.stop()
    store?.disconnect()
    await redis?.stop()
    await world?.stop()
  })

  const desired = (id: string) =>
    ({ id, tenantId: 'default', processType: 'web', number: 1, appName: 'one' }) as unknown as Desired
  function follow(sandbox: SandboxHandle, from: ReadSoFar = { file: null, offset: 0 }) {
    const read = { ...from }
    const follower = followOutput(logOf(world.host, sandbox.id), { from, kbPerSecond: 64 }, async (batch) => {
      const answer = await outbox.store({ app, desired: desired(sandbox.id), batch })
      if (answer === 'taken') Object.assign(read, { file: batch.file, offset: batch.lines.at(-1)?.end ?? read.offset })
      return answer
    })
    return { follower, read }
  }
  const stored = async () => {
    const lines = []
    let after = '0-0-0'
    for (
      let page = await readLogsAfter(store, app, after);
      page.length > 0;
      page = await readLogsAfter(store, app, after)
    ) {
      lines.push(...page)
      after = page.at(-1)?.id ?? after
    }
    return lines
  }
  const until = async (what: string, there: () => Promise<boolean>) => {
    for (let tries = 0; !(await there().catch(() => false)); tries++) {
      assert.ok(tries < 600, `waited in vain for ${what}`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  it('is never held up: 100 MiB at full speed end as soon as they are printed, on a bounded disk, and are told when it is back', async () => {
    await redis.stop()
    const sandbox = await world.start(
      `python3 -c 'import os
line = b"x" * 99 + b"\\n"
for n in range(16): os.write(1, line * 65536)
print("the end", flush=True)'`,
    )
    const { follower } = follow(sandbox)
    const code = await waitForSandbox(world.host, sandbox, AbortSignal.timeout(120_000))
    assert.equal(code, 0, 'it ended by itself, with nobody to take what it printed')
    const { size } = await stat(logOf(world.host, sandbox.id))
    assert.ok(size <= 17 * MIB, `${size} bytes on the host's disk`)

    redis = await startRedis(redis.url)
    await until('the store', async () => (await store.hset(keys.app(app), 'record', '{}')) >= 0)
    await until('the last line', async () => (await stored()).some(({ line }) => line === 'the end'))
    await follower.stop()
    const told = (await stored()).filter(({ source }) => source === 'platform').map(({ line }) => line)
    assert.ok(
      told.some((line) => /dropped/.test(line)),
      told.join('\n'),
    )
    await world.remove(sandbox)
  })

  it('stores each line once when its agent is replaced in the middle, and knows less than the store', async () => {
    const sandbox = await world.start(`for n in $(seq 300); do echo "number $n"; done; exec sleep 1000`)
    const first = follow(sandbox)
    await until('all lines', async () => (await stored()).some(({ line }) => line === 'number 300'))
    await first.follower.stop()
    // As after SIGKILL: the lines are in the store, and the note of them on disk is an older one.
    const older: ReadSoFar = { file: first.read.file, offset: Math.floor(first.read.offset / 3) }
    for (const from of [older, { file: null, offset: 0 }]) {
      const second = follow(sandbox, from)
      await until('the second look', () => Promise.resolve(second.read.offset === first.read.offset))
      await second.follower.stop()
    }
    const numbers = (await stored()).map(({ line }) => line).filter((line) => line.startsWith('number'))
    assert.deepEqual(
      numbers,
      Array.from({ length: 300 }, (_, n) => `number ${n + 1}`),
    )
    await world.remove(sandbox)
  })
})
