import assert from 'node:assert/strict'
import type { AppId } from '#core/domain/ids.ts'
import { defaultPlan, type Plan, type PlanName } from '#core/domain/quota.ts'
import { defaultResources } from '#core/domain/resources.ts'
import { admit, admitRun, describeQuotaShortage, promisedTo } from '../../../../controller/placement/admission.ts'
import { tightest } from '../../../../controller/placement/resize.ts'
import { anInstance, formation } from '../../../helpers/cluster.ts'

const small: Plan = {
  ...defaultPlan,
  name: 'small' as PlanName,
  memoryMb: 2048,
  cpuMilli: 2000,
  diskMb: 10_240,
  instances: 8,
  apps: 2,
  instanceMemoryMb: 1024,
}
const app = (id: string, counts: Record<string, number>, memoryMb?: number) => ({
  id: id as AppId,
  formation: formation(counts, memoryMb),
})
const refusal = (apps: ReturnType<typeof app>[], changed: ReturnType<typeof app>, plan = small) => {
  const short = admit(plan, apps, changed)
  return short && describeQuotaShortage(plan, short)
}

describe('admission to a plan', () => {
  const shop = app('a-shop', { web: 2, worker: 1 }, 512)

  it('takes what fits to the last byte, over all apps of the tenant together', () => {
    assert.equal(refusal([shop, app('a-blog', {})], app('a-blog', { web: 1 }, 512)), null)
    assert.deepEqual(promisedTo([shop]), { apps: 1, instances: 3, memoryMb: 1536, diskMb: 3072 })
  })

  it('counts one-off runs while they last, for runs and for the formation', () => {
    const run = { ...defaultResources, memoryMb: 512 }
    assert.equal(admitRun(small, [shop], [], run), null)
    assert.deepEqual(admitRun(small, [shop], [run], run), { dimension: 'memory', needed: 512, left: 0, limit: 2048 })
    assert.equal(admitRun(small, [], [], { ...run, memoryMb: 1025 })?.dimension, 'instance memory')
    assert.equal(admit(small, [shop], app('a-shop', { web: 3, worker: 1 }, 512), [run])?.dimension, 'memory')
    assert.equal(admit(small, [shop], app('a-shop', { web: 3, worker: 1 }, 512)), null)
  })

  it('names the short dimension, what is needed and what is left', () => {
    const blog = app('a-blog', { web: 3 }, 128)
    assert.equal(
      refusal([shop, blog], app('a-blog', { web: 5 }, 128)),
      "needs 256 MB, 128 MB left of plan small's 2 GB memory",
    )
    assert.deepEqual(admit(small, [shop, blog], app('a-blog', { web: 5 }, 128)), {
      dimension: 'memory',
      needed: 256,
      left: 128,
      limit: 2048,
    })
    const many = { ...small, memoryMb: 65_536 }
    assert.equal(
      refusal([shop], app('a-shop', { web: 9, worker: 1 }, 512), many),
      "needs 7 instances, 5 instances left of plan small's 8 instances",
    )
    const tight = { ...many, diskMb: 4096, instances: 100 }
    assert.equal(
      refusal([shop], app('a-shop', { web: 4, worker: 1 }, 512), tight),
      "needs 2 GB, 1 GB left of plan small's 4 GB disk",
    )
    assert.equal(
      refusal([shop, app('a-blog', {})], app('a-third', {})),
      "needs 1 app, 0 apps left of plan small's 2 apps",
    )
  })

  it('holds one instance to what a plan gives one, and CPU only there', () => {
    assert.equal(
      refusal([shop], app('a-shop', { web: 1 }, 1025)),
      'needs 1025 MB for one instance, plan small gives one at most 1 GB',
    )
    const cores = (milli: number) => ({
      id: 'a-shop' as AppId,
      formation: { web: { count: 1, size: { memoryMb: 64, cpuMilli: milli, pids: 1, diskMb: 1 } } } as never,
    })
    assert.equal(refusal([shop], cores(4000)), 'needs 4 CPU for one instance, plan small gives one at most 2 CPU')
    // One that was made before the plan was lowered and does not run yet.
    const [none, first] = [app('a-shop', { web: 0 }, 2048), app('a-shop', { web: 1 }, 2048)]
    assert.match(refusal([none], first) ?? '', /^needs 2 GB for one instance/)
    assert.equal(refusal([none], none), null)
    assert.equal(refusal([], { ...cores(2000), formation: formation({ web: 5 }, 64) }), null)
  })

  it('takes whatever grows nothing, also where the plan was lowered below what is promised', () => {
    const large = app('a-shop', { web: 4, worker: 4 }, 1024)
    assert.equal(refusal([large], app('a-shop', { web: 3, worker: 4 }, 1024)), null)
    assert.equal(refusal([large], app('a-shop', { web: 4, worker: 4 }, 512)), null)
    assert.equal(refusal([large], large), null)
    assert.match(
      refusal([large], app('a-shop', { web: 5, worker: 4 }, 1024)) ?? '',
      /^needs 1 instance, 0 instances left/,
    )
  })

  it('is not misled by process types that are named like what every object has', () => {
    assert.equal(refusal([app('a-shop', {})], app('a-shop', { constructor: 1 }, 512)), null)
    assert.match(refusal([app('a-shop', {})], app('a-shop', { constructor: 5 }, 512)) ?? '', /^needs 2.5 GB/)
  })
})

describe('less memory for what runs', () => {
  const running = (id: string, usedMb: number, over: object = {}) => ({
    ...anInstance(id, { number: Number(id.at(-1)), ...over }),
    stats: { at: 0, cpuMilli: 0, memoryBytes: usedMb * 1024 * 1024 },
  })
  const to = (memoryMb: number) => formation({ web: 2 }, memoryMb)

  it('is refused where an instance uses more, with the figure and what would do', () => {
    assert.deepEqual(tightest(to(256), [running('i-1', 100), running('i-2', 310), running('i-3', 270)]), {
      process: 'web.2',
      usedMb: 310,
      askedMb: 256,
      atLeastMb: 350,
    })
  })

  it('is taken where all use less, where nothing is measured, and where it is more', () => {
    assert.equal(tightest(to(256), [running('i-1', 256), anInstance('i-2')]), null)
    assert.equal(tightest(to(1024), [running('i-1', 600)]), null)
    assert.equal(tightest(formation({ worker: 1 }, 32), [running('i-1', 310)]), null)
  })

  it('does not look at what is leaving, and never asks for more than there is', () => {
    assert.equal(tightest(to(256), [running('i-1', 310, { intent: 'stop' })]), null)
    assert.equal(tightest(to(256), [running('i-1', 505)])?.atLeastMb, 512)
  })
})
