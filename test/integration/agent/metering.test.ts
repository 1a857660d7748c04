import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { AppId, HostId, InstanceId, TenantId } from '#core/domain/ids.ts'
import { resolutions, type UsageTotals } from '#core/domain/usage.ts'
import { silentLog } from '#core/runtime/log.ts'
import { connectStore, type Store } from '#core/store/connection.ts'
import { keys } from '#core/store/keys.ts'
import { loadBuckets, tenantUsage, usageBetween } from '#core/store/usage.ts'
import { startMeter, type Meter } from '../../../agent/metering.ts'
import { cgroupVersion } from '../../../agent/sandbox/cgroup.ts'
import { sampleSandbox, stopSandbox, type SandboxHandle } from '../../../agent/sandbox/index.ts'
import { startRedis, type TestRedis } from '#test/helpers/redis.ts'
import { startTestHost, type TestHost } from '#test/helpers/sandboxes.ts'
import { waitFor } from '#test/helpers/world.ts'

const HOST = 'host-a' as HostId
const MINUTE = 60_000
const [minutes] = resolutions
/** A quarter of the time of one core, in small pieces, for ever. */
const QUARTER = `python3 -c 'import time
while True:
  end = time.thread_time() + 0.005
  while time.thread_time() < end: pass
  time.sleep(0.015)'`

/** `BERTH_TEST_BUSY_SECONDS=60` makes it the full minute. */
const BUSY_SECONDS = Number(process.env['BERTH_TEST_BUSY_SECONDS'] ?? 3)

describe('The meter', function () {
  this.timeout(60_000 + BUSY_SECONDS * 1000)
  let world: TestHost
  let redis: TestRedis
  let store: Store
  let meter: Meter
  const began = Date.now()
  /** Instead of the time of day, to pass minutes in seconds. */
  let clock: number | null = null
  const now = () => clock ?? Date.now()

  const open = () => startMeter({ store, log: silentLog, hostId: HOST, host: world.host, folders: world.folders, now })
  before(async function () {
    this.timeout(180_000)
    world = await startTestHost()
    redis = await startRedis()
    store = connectStore(redis.url)
    meter = open()
  })
  after(async () => {
    await meter?.stop()
    store?.disconnect()
    await world?.stop()
    await redis?.stop()
  })

  let isAway = false
  async function takeAway(): Promise<void> {
    await redis.stop()
    isAway = true
  }
  async function bringBack(): Promise<void> {
    if (isAway) redis = await startRedis(redis.url)
    isAway = false
  }
  afterEach(bringBack)

  async function start(command: string, app: string, tenant = 'default', memoryMb = 128): Promise<SandboxHandle> {
    const sandbox = await world.start(command, { app, tenant, size: { memoryMb } })
    meter.track({ tenantId: tenant as TenantId, appId: app as AppId, instanceId: null, kind: 'instance' }, sandbox)
    return sandbox
  }

  async function end(sandbox: SandboxHandle): Promise<void> {
    await stopSandbox(world.host, sandbox, 0)
    await meter.finish(sandbox)
    await world.remove(sandbox)
  }

  const lifeOf = (sandbox: SandboxHandle, by = meter) => by.lives().find(({ sandbox: { id } }) => id === sandbox.id)
  const usageOf = (app: string) => usageBetween(store, `app:${app as AppId}`, began, now() + MINUTE)

  async function counted(app: string, enough: (usage: UsageTotals) => boolean): Promise<UsageTotals> {
    for (let round = 0; round < 300; round++) {
      const usage = await usageOf(app).catch(() => null)
      if (usage && enough(usage)) return usage
      await wait(100)
    }
    throw new Error(`not counted: ${JSON.stringify(await usageOf(app))}`)
  }

  /** Only now may the ledger be read more than once: a delivery between two readings would make them differ. */
  const allDelivered = () =>
    waitFor(() => meter.figures().unsent === 0 && meter.figures().spoolBytes === 0, {
      timeoutMs: 30_000,
      what: 'the last delivery',
      detail: () => JSON.stringify(meter.figures()),
    })

  /** Seconds of CPU that the kernel counted for everything of tenants' that ever ran on this host. */
  const kernelCpu = () => {
    const path = `/berth-${world.host.slot}`
    return cpuOf(path) - cpuOf(`${path}/_output`)
  }

  function cpuOf(path: string): number {
    if (!existsSync(`/sys/fs/cgroup/${cgroupVersion() === 'v1' ? 'cpuacct' : ''}${path}`)) return 0
    if (cgroupVersion() === 'v1')
      return Number(readFileSync(`/sys/fs/cgroup/cpuacct${path}/cpuacct.usage`, 'utf8')) / 1e9
    return Number(/^usage_usec (\d+)$/m.exec(readFileSync(`/sys/fs/cgroup${path}/cpu.stat`, 'utf8'))?.[1]) / 1e6
  }

  const close = (one: number, other: number, share: number) =>
    assert.ok(
      Math.abs(one - other) <= share * Math.max(one, other),
      `${one} and ${other} differ by more than ${share * 100} %`,
    )

  it('counts what ten apps of three tenants used as the kernel does, within 1 %', async () => {
    const before = kernelCpu()
    const tenants = ['red', 'green', 'blue']
    const apps = Array.from({ length: 10 }, (_, n) => ({ app: `a-sum-${n}`, tenant: tenants[n % 3] ?? '' }))
    const sandboxes = await Promise.all(apps.map(({ app, tenant }) => start(QUARTER, app, tenant)))
    // Lives that end and begin in the middle of it count as well.
    const first = sandboxes.shift()
    await wait(BUSY_SECONDS * 500)
    if (first) await end(first)
    sandboxes.push(await start(QUARTER, 'a-sum-0', 'red'))
    await wait(BUSY_SECONDS * 500)
    await Promise.all(sandboxes.map(end))
    const kernel = kernelCpu() - before
    assert.ok(kernel > BUSY_SECONDS / 10, `the apps were busy: ${kernel} s`)

    await allDelivered()
    const byApp = await Promise.all([...new Set(apps.map(({ app }) => app))].map(usageOf))
    const byTenant = await Promise.all(
      tenants.map((tenant) => tenantUsage(store, tenant as TenantId, began, now() + MINUTE)),
    )
    const cpu = (all: UsageTotals[]) => all.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0)
    console.log(
      `      kernel ${kernel.toFixed(3)} s, apps ${cpu(byApp).toFixed(3)} s, tenants ${cpu(byTenant).toFixed(3)} s`,
    )
    close(cpu(byApp), kernel, 0.01)
    close(cpu(byTenant), kernel, 0.01)
  })

  it('counts memory, disk, traffic and processes of a life from the kernel’s own counters', async () => {
    const app = `a-all-${Date.now()}`
    const sandbox = await start(
      `python3 -c 'import time,os,socket
held = bytearray(40*1024*1024)
open("/tmp/file","wb").write(os.urandom(8*1024*1024)); os.sync()
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(100): s.sendto(b"x"*1000, ("10.255.255.1", 9))
[os.fork() for i in range(2)]
time.sleep(60)'`,
      app,
    )
    const sent = () => (sampleSandbox(world.host, sandbox)?.networkOutBytes ?? 0) >= 100_000
    await waitFor(sent, { timeoutMs: 30_000, what: 'all that it sends' })
    await wait(2_500)
    const kernel = sampleSandbox(world.host, sandbox)
    await end(sandbox)
    const usage = await counted(app, ({ memoryMbSeconds }) => memoryMbSeconds > 0)
    assert.ok(usage.memoryMbSeconds > 60 && usage.memoryMbSeconds < 400, `memory ${usage.memoryMbSeconds} MB s`)
    assert.ok(usage.memoryPeakBytes >= 40 * 1024 * 1024)
    assert.ok(usage.diskPeakBytes >= 8 * 1024 * 1024 && usage.diskPeakBytes < 12 * 1024 * 1024)
    assert.ok(usage.diskMbSeconds > 8 && usage.diskMbSeconds < 80, `disk ${usage.diskMbSeconds} MB s`)
    assert.ok(usage.pidsPeak >= 4)
    assert.equal(usage.networkOutBytes, kernel?.networkOutBytes)
    assert.ok(usage.networkOutBytes >= 100_000)
    close(usage.cpuUserSeconds + usage.cpuSystemSeconds, usage.cpuSeconds, 0.25)
  })

  it('counts memory and no CPU of a sandbox that is stopped where it is', async () => {
    const sandbox = await start(`python3 -c 'held = bytearray(30*1024*1024); import time; time.sleep(60)'`, 'a-paused')
    await wait(1_500)
    const before = await counted('a-paused', ({ memoryMbSeconds }) => memoryMbSeconds > 0)
    await wait(2_500)
    await end(sandbox)
    const after = await counted('a-paused', ({ memoryMbSeconds }) => memoryMbSeconds > before.memoryMbSeconds)
    assert.ok(after.memoryMbSeconds - before.memoryMbSeconds > 30)
    assert.ok(after.cpuSeconds - before.cpuSeconds < 0.1, `${after.cpuSeconds - before.cpuSeconds} s`)
  })

  it('spools while Redis is away, one sample a minute, and counts each in its own minute afterwards', async () => {
    const sandbox = await start(QUARTER, 'a-away')
    const brief = await start('sleep 60', 'a-brief')
    await counted('a-away', ({ cpuSeconds }) => cpuSeconds > 0)
    await takeAway()
    const first = (Math.floor(Date.now() / MINUTE) + 1) * MINUTE
    try {
      for (const minute of [0, 1, 2, 3]) {
        clock = first + minute * MINUTE
        await waitFor(() => lifeOf(sandbox)?.seen.at === clock, { timeoutMs: 30_000, what: 'a look at it' })
        // Enough to be told from nothing.
        await wait(800)
        if (minute === 0) await end(brief)
      }
      assert.ok(meter.figures().spoolBytes > 0)
      const metered = lifeOf(sandbox)?.usage.cpuSeconds ?? NaN
      // As after a reboot: what the agent had in its memory is gone, and another one begins.
      await meter.stop()
      await rm(join(world.folders.run, 'meter'), { recursive: true })
      meter = open()
      await bringBack()
      await allDelivered()
      const buckets = await loadBuckets(store, `app:${'a-away' as AppId}`, minutes, first, first + 4 * MINUTE)
      assert.deepEqual(
        [...buckets.keys()].map((at) => (at - first) / MINUTE),
        [0, 1, 2, 3],
      )
      for (const [at, { cpuSeconds }] of buckets) assert.ok(cpuSeconds > 0.1, `${cpuSeconds} s in minute ${at}`)
      // The Redis that came back is empty, so the spool alone makes up what the meter saw: nothing lost, nothing doubled.
      const { cpuSeconds } = await usageOf('a-away')
      assert.ok(Math.abs(cpuSeconds - metered) < 1e-5, `${cpuSeconds} s of ${metered} s`)
      assert.ok((await usageOf('a-brief')).pidsPeak > 0)
    } finally {
      clock = null
      await world.remove(sandbox)
    }
  })

  it('goes on with the lives of an agent that was killed, and with what that one had not delivered', async () => {
    // One that is killed looks no more and delivers no more: its clock stands still, and its connection is gone.
    let killedAt: number | null = null
    const itsStore = connectStore(redis.url)
    const { host, folders } = world
    const killed = startMeter({
      ...{ store: itsStore, log: silentLog, hostId: HOST, host, folders },
      now: () => killedAt ?? now(),
    })
    const begin = async (command: string, app: string): Promise<SandboxHandle> => {
      const sandbox = await world.start(command, { app, size: { memoryMb: 128 } })
      const owner = { tenantId: 'default' as TenantId, appId: app as AppId, instanceId: null }
      killed.track({ ...owner, kind: 'instance' }, sandbox)
      return sandbox
    }
    const sandbox = await begin(`python3 -c 'held = bytearray(30*1024*1024); import time; time.sleep(60)'`, 'a-heir')
    const brief = await begin(QUARTER, 'a-left')
    await counted('a-heir', ({ memoryMbSeconds }) => memoryMbSeconds > 10)
    await takeAway()
    await stopSandbox(host, brief, 0)
    await killed.finish(brief)
    await world.remove(brief)
    itsStore.disconnect()
    killedAt = now()
    // Together, so that it looks at nothing in between. Nothing says goodbye: the next one has what lies on tmpfs.
    const before = lifeOf(sandbox, killed)
    const heir = open()
    try {
      const after = lifeOf(sandbox, heir)
      assert.deepEqual(after?.usage, before?.usage)
      await bringBack()
      const left = await counted('a-left', ({ cpuSeconds }) => cpuSeconds > 0)
      await stopSandbox(world.host, sandbox, 0)
      const last = await heir.finish(sandbox)
      await world.remove(sandbox)
      const usage = await counted('a-heir', ({ cpuSeconds }) => cpuSeconds >= (last?.cpuSeconds ?? 1) - 1e-6)
      assert.ok(usage.memoryMbSeconds > (before?.usage.memoryMbSeconds ?? 0))
      await wait(1_500)
      assert.deepEqual(await usageOf('a-heir'), usage, 'counted once')
      assert.deepEqual(await usageOf('a-left'), left, 'counted once')
    } finally {
      await heir.stop()
      await killed.stop()
    }
  })

  it('says the live figures of instances', async () => {
    const id = 'i-live' as InstanceId
    await store.hset(keys.instance(id), 'desired', JSON.stringify({ hostId: HOST }))
    const sandbox = await world.start(QUARTER, { app: 'a-live' })
    const owner = { tenantId: 'default' as TenantId, appId: 'a-live' as AppId, kind: 'instance' } as const
    meter.track({ ...owner, instanceId: id }, sandbox)
    await counted('a-live', ({ cpuSeconds }) => cpuSeconds > 0)
    const stats = () => store.hget(keys.hostInstance(HOST, id), 'stats')
    await waitFor(async () => (await stats()) !== null, { timeoutMs: 30_000, what: 'its figures' })
    const { memoryBytes } = JSON.parse((await stats()) ?? '{}') as { memoryBytes: number }
    assert.ok(memoryBytes > 1024 * 1024)
    await end(sandbox)
    assert.equal(await store.exists(keys.hostInstance(HOST, 'i-gone' as InstanceId)), 0)
  })
})
