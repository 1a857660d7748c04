import assert from 'node:assert/strict'
import { defaultResources } from '#core/domain/resources.ts'
import { formationFor } from '../../../../controller/deploy/release.ts'
import { describeFailure, describeFormation, describeInstance } from '../../../../controller/deploy/rollout.ts'
import { anInstance, formation, target } from '../../../helpers/cluster.ts'

const processes = { web: 'node web.js', worker: 'node worker.js', release: 'node migrate.js' }

describe('the formation that a release needs', () => {
  it('is one web instance for the first release; other process types wait to be scaled', () => {
    assert.deepEqual(formationFor({ formation: {}, target: null }, { processes }, defaultResources), {
      web: { count: 1, size: defaultResources },
      worker: { count: 0, size: defaultResources },
    })
  })

  it('keeps what was set before the first release', () => {
    assert.equal(
      formationFor({ formation: formation({ web: 3, worker: 2 }), target: null }, { processes }, defaultResources),
      null,
    )
  })

  it('gives process types that a later release adds no instance', () => {
    const formed = formationFor(
      { formation: formation({ web: 2 }), target: target(1) },
      { processes },
      defaultResources,
    )
    assert.deepEqual(formed, formation({ web: 2, worker: 0 }))
  })
})

describe('what a pusher reads', () => {
  it('names the formation', () => {
    assert.equal(describeFormation(formation({ worker: 1, web: 2, clock: 0 })), 'web=2 worker=1')
    assert.equal(describeFormation({}), 'nothing: every process type is scaled to 0')
  })

  it('tells the life of an instance', () => {
    assert.equal(describeInstance(anInstance('i-1', {}, null)), null)
    assert.equal(describeInstance(anInstance('i-1', {}, { state: 'starting' })), 'web.1 starting on host-a')
    assert.equal(describeInstance(anInstance('i-1', {}, { readyMs: 310.4 })), 'web.1 running after 310 ms')
    assert.equal(
      describeInstance(anInstance('i-1', {}, { state: 'failed', detail: 'web.1 exited with code 1.' })),
      'web.1 exited with code 1.',
    )
  })

  it('says after a failure what keeps serving', () => {
    assert.equal(
      describeFailure(3, 'web.1 exited with code 1.', target(2), false),
      'v3 did not go live: web.1 exited with code 1. v2 keeps serving.',
    )
    assert.equal(
      describeFailure(1, 'web.1 exited with code 1.', null, false),
      'v1 did not go live: web.1 exited with code 1. Nothing serves yet; repair it and push again.',
    )
  })

  it('says after failed config vars that they stay set but do not serve', () => {
    assert.match(
      describeFailure(3, 'x', target(2), true),
      /v2 keeps serving, with its own config vars; the changed ones stay set/,
    )
  })
})
