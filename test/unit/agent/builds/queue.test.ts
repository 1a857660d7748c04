import assert from 'node:assert/strict'
import type { AppId, DeployId, TenantId } from '#core/domain/ids.ts'
import type { Deploy } from '#core/domain/release.ts'
import { silentLog } from '#core/runtime/log.ts'
import { createBuilds } from '../../../../agent/builds.ts'
import type { BuildContext } from '../../../../agent/builds/context.ts'

/** A host whose builds say that they run, and go no further than the test lets them. */
function aHost(buildSlots: number) {
  const begun: string[] = []
  const said: string[] = []
  const running = new Map<string, () => void>()
  const context = {
    log: silentLog,
    config: { buildSlots },
    print: (id: DeployId, lines: string[]) => Promise.resolve(void said.push(...lines.map((line) => `${id}:${line}`))),
    report: (id: DeployId) => {
      begun.push(id)
      return new Promise<boolean>((resolve) => running.set(id, () => resolve(false)))
    },
    now: () => 0,
  } as unknown as BuildContext
  const builds = createBuilds(context)
  const settled = () => new Promise((resolve) => setImmediate(resolve))
  return {
    begun,
    said,
    builds,
    push: async (tenant: string, id: string, app = id) => {
      const deploy = { id: id as DeployId, appId: app as AppId, buildEpoch: 1 } as Deploy
      builds.ensure(deploy, tenant as TenantId)
      await settled()
    },
    end: async (id: string) => {
      running.get(id)?.()
      running.delete(id)
      await settled()
    },
  }
}

describe('The builds of a host', () => {
  it('of one tenant with many do not starve another’s, which comes with the next slot that is free', async () => {
    const { begun, said, push, end } = aHost(2)
    for (let n = 1; n <= 12; n++) await push('many', `m${n}`)
    assert.deepEqual(begun, ['m1', 'm2'])
    await push('few', 'f1')
    await push('other', 'o1')
    assert.equal(
      said.filter((line) => line.startsWith('f1:')).at(-1),
      'f1:       waiting for a build slot: the next one is yours',
    )
    assert.equal(
      said.filter((line) => line.startsWith('m12:')).at(-1),
      'm12:       waiting for a build slot: 11 before you',
    )
    await end('m1')
    await end('m2')
    assert.deepEqual(begun.slice(2), ['f1', 'o1'])
    await push('few', 'f2')
    await end('f1')
    await end('o1')
    assert.deepEqual(begun.slice(4).sort(), ['f2', 'm3'])
    for (let n = 3; n <= 12; n++) await end(begun.find((id) => id === `m${n}`) ?? '')
    await end('f2')
    for (let n = 3; n <= 12; n++) await end(`m${n}`)
    assert.equal(begun.length, 15)
  })

  it('of one app never run together, and leave their slot to the next', async () => {
    const { begun, push, end } = aHost(2)
    await push('one', 'first', 'shop')
    await push('one', 'second', 'shop')
    await push('one', 'blog')
    assert.deepEqual(begun, ['first', 'blog'])
    await end('first')
    assert.deepEqual(begun, ['first', 'blog', 'second'])
  })

  it('of one app do not wait for what the one before left to be removed at leisure', async () => {
    const { begun, push, end } = aHost(2)
    await push('one', 'first', 'shop')
    await end('first')
    await push('one', 'second', 'shop')
    assert.deepEqual(begun, ['first', 'second'])
  })

  it('that are cancelled leave their app to the next', async () => {
    const { begun, builds, push, end } = aHost(2)
    await push('one', 'first', 'shop')
    builds.drop('first' as DeployId)
    await push('one', 'second', 'shop')
    assert.deepEqual(begun, ['first'])
    await end('first')
    assert.deepEqual(begun, ['first', 'second'])
  })

  it('that are not wanted any more leave the queue at once, and are not begun', async () => {
    const { begun, builds, push, end } = aHost(1)
    await push('one', 'first')
    await push('one', 'second')
    await push('two', 'third')
    builds.drop('third' as DeployId)
    await end('first')
    assert.deepEqual(begun, ['first', 'second'])
    assert.equal(builds.isBuilding('third' as AppId), false)
  })
})
