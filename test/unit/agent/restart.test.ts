import assert from 'node:assert/strict'
import { afterExit } from '../../../agent/instance/restart.ts'

const end = { onExit: 'restart' as const, wasReady: true, upMs: 1000, restarts: 0 }

describe('Restarting an instance that ended', () => {
  it('F16: restarts three times quickly, then after 30 s doubling to 16 min', () => {
    const delays = Array.from({ length: 10 }, (_, restarts) => afterExit({ ...end, restarts })).map((d) =>
      d.kind === 'restart' ? d.delayMs / 1000 : d.kind,
    )
    assert.deepEqual(delays, [1, 1, 1, 30, 60, 120, 240, 480, 960, 960])
  })

  it('F16: gives up after 200 restarts', () => {
    assert.equal(afterExit({ ...end, restarts: 199 }).kind, 'restart')
    assert.equal(afterExit({ ...end, restarts: 200 }).kind, 'fail')
  })

  it('F16: wipes the slate after five minutes of running', () => {
    assert.deepEqual(afterExit({ ...end, upMs: 300_000, restarts: 150 }), {
      kind: 'restart',
      delayMs: 1000,
      restarts: 1,
    })
  })

  it('F27: fails a release at its first exit if it never served', () => {
    assert.deepEqual(afterExit({ ...end, onExit: 'fail', wasReady: false }), { kind: 'fail' })
    assert.equal(afterExit({ ...end, onExit: 'fail', wasReady: true }).kind, 'restart')
  })
})
