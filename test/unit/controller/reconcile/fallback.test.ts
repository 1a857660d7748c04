import assert from 'node:assert/strict'
import { WATCHED_MS } from '../../../../controller/reconcile/fallback.ts'
import { aHost, aServingApp, formation } from '../../../helpers/cluster.ts'
import { simulate, type Cluster } from '../../../helpers/simulated-cluster.ts'

/** A shop whose v1 serves, and whose v2 has gone live after it. */
function withNewRelease(counts: Record<string, number> = { web: 2, worker: 1 }): Cluster {
  const app = aServingApp(1, counts)
  const cluster = simulate({ hosts: [aHost('host-a'), aHost('host-b')], apps: [app] })
  cluster.know(app.id, 1, Object.keys(counts))
  cluster.settle(8)
  deploy(cluster)
  assert.equal(cluster.app().current?.release, 2)
  return cluster
}

function deploy(cluster: Cluster): void {
  const { id, target, formation: types } = cluster.app()
  cluster.release(id, (target?.release ?? 0) + 1, Object.keys(types))
  cluster.settle(8)
}

/** Every instance of a release exits once, and is ready again a moment later. */
function crash(cluster: Cluster, release: number, times: number, of = 'web'): void {
  for (let n = 0; n < times; n++) {
    for (const [id, { desired, reported }] of cluster.instances) {
      if (desired.release !== release || desired.processType !== of || reported?.state !== 'running') continue
      const detail = `web.${desired.number} exited with code 1.`
      cluster.report(id, { state: 'starting', restarts: reported.restarts + 1, reason: 'exited', detail })
    }
    cluster.settle(2)
  }
}

const releaseOf = (cluster: Cluster) => cluster.app().current?.release
const fallbacks = (cluster: Cluster) => cluster.look().filter(({ kind }) => kind === 'fallBack')

describe('A release that crashes in its first minutes', () => {
  it('gives way to the one before, with what it ended with', () => {
    const cluster = withNewRelease()
    crash(cluster, 2, 2)
    assert.equal(releaseOf(cluster), 2)
    for (const [id, { desired, reported }] of cluster.instances)
      if (desired.processType === 'web' && desired.release === 2)
        cluster.report(id, {
          state: 'starting',
          restarts: (reported?.restarts ?? 0) + 1,
          detail: 'web.1 exited with code 1.',
        })
    const [step] = fallbacks(cluster)
    assert.ok(step?.kind === 'fallBack')
    assert.deepEqual(step.fallback, {
      from: 2,
      to: 1,
      because: 'v2 crashes, and gives way to v1: web.1 exited with code 1.',
    })
    cluster.settle()
    assert.equal(releaseOf(cluster), 3)
    assert.equal(cluster.app().rollout?.state, 'done')
  })

  it('that came back is not left again, however it crashes', () => {
    const cluster = withNewRelease()
    crash(cluster, 2, 4)
    cluster.settle()
    assert.equal(releaseOf(cluster), 3)
    crash(cluster, 3, 6)
    cluster.settle()
    assert.equal(releaseOf(cluster), 3)
  })

  it('stays when the release before did not work either', () => {
    const cluster = withNewRelease()
    cluster.change(cluster.app().id, { autoRollback: false })
    crash(cluster, 2, 4)
    cluster.change(cluster.app().id, { autoRollback: true })
    cluster.release(cluster.app().id, 3, ['web', 'worker'])
    for (let round = 0; round < 8; round++) {
      cluster.look()
      cluster.agents()
      cluster.acknowledge()
    }
    crash(cluster, 3, 4)
    cluster.settle()
    assert.equal(releaseOf(cluster), 3)
  })

  it('stays when its owner wants it to, and when it is the first', () => {
    const cluster = withNewRelease()
    cluster.change(cluster.app().id, { autoRollback: false })
    crash(cluster, 2, 5)
    assert.deepEqual([releaseOf(cluster), fallbacks(cluster)], [2, []])
  })

  it('stays after its first minutes', () => {
    const cluster = withNewRelease()
    cluster.advance(WATCHED_MS)
    crash(cluster, 2, 5)
    assert.deepEqual([releaseOf(cluster), fallbacks(cluster)], [2, []])
  })

  it('stays when most of it works, or only what does not serve crashes', () => {
    const cluster = withNewRelease()
    crash(cluster, 2, 5, 'worker')
    assert.deepEqual(fallbacks(cluster), [])
    const [one] = [...cluster.instances.values()].filter(({ desired }) => desired.processType === 'web')
    assert.ok(one)
    cluster.report(one.desired.id, { state: 'starting', restarts: 9 })
    assert.deepEqual(fallbacks(cluster), [])
  })

  it('is judged by all of its instances where none serves', () => {
    const cluster = withNewRelease({ worker: 2 })
    crash(cluster, 2, 4, 'worker')
    cluster.settle()
    assert.equal(releaseOf(cluster), 3)
  })

  it('is not blamed for what its host could not start', () => {
    const cluster = withNewRelease()
    for (const [id, { desired }] of cluster.instances)
      if (desired.processType === 'web') cluster.report(id, { state: 'starting', restarts: 5, reason: 'startFailed' })
    assert.deepEqual(fallbacks(cluster), [])
  })

  it('stays while it is started anew by somebody, paused, or scaled to nothing', () => {
    const cluster = withNewRelease()
    const { target, id } = cluster.app()
    assert.ok(target)
    cluster.change(id, { target: { ...target, generation: 1 } })
    cluster.settle()
    crash(cluster, 2, 5)
    assert.deepEqual([releaseOf(cluster), fallbacks(cluster)], [2, []])
    cluster.change(id, { formation: formation({ web: 0, worker: 0 }) })
    cluster.settle()
    assert.deepEqual(fallbacks(cluster), [])
  })
})
