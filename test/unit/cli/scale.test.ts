import assert from 'node:assert/strict'
import type { InstanceView } from '#core/contract/api.ts'
import type { Formation } from '#core/domain/app.ts'
import type { ProcessType } from '#core/domain/ids.ts'
import { patchFrom, progressOf } from '../../../cli/commands/scale.ts'

const web = 'web' as ProcessType
const worker = 'worker' as ProcessType
const size = { memoryMb: 512, cpuMilli: 1000, pids: 256, diskMb: 1024 }
const formation = (count: number, memoryMb = 512): Formation => ({ [web]: { count, size: { ...size, memoryMb } } })
const applied = (memoryMb: number) => ({ memoryMb, cpuMilli: 1000, paused: false })
const anInstance = (fields: Partial<InstanceView> = {}) =>
  ({
    process: 'web',
    intent: 'run',
    state: 'running',
    memoryMb: 512,
    cpuMilli: 1000,
    applied: applied(512),
    ...fields,
  }) as InstanceView

describe('What scale asks for', () => {
  it('turns relative terms into counts', () => {
    assert.deepEqual(patchFrom(['web+1', 'worker=3'], {}, formation(2)), { web: { count: 3 }, worker: { count: 3 } })
  })

  it('asks for nothing when nothing is named', () => {
    assert.deepEqual(patchFrom([], {}, formation(2)), {})
  })

  it('changes the size of one type, with or without its count', () => {
    assert.deepEqual(patchFrom(['web'], { memory: '256M', cpu: '0.5' }, formation(2)), {
      web: { memoryMb: 256, cpuMilli: 500 },
    })
    assert.deepEqual(patchFrom(['web=3'], { memory: '1G' }, formation(2)), { web: { count: 3, memoryMb: 1024 } })
  })

  it('refuses a size without a type, and with several', () => {
    for (const terms of [[], ['web', 'worker']])
      assert.throws(() => patchFrom(terms, { memory: '1G' }, formation(2)), { exitCode: 2, message: /name it/ })
  })

  it('refuses a type that is named twice', () => {
    assert.throws(() => patchFrom(['web=1', 'web=2'], {}, formation(2)), { exitCode: 2, message: /web is named twice/ })
  })
})

describe('When scaling is done', () => {
  it('waits until as many run as were asked for', () => {
    const instances = [anInstance(), anInstance({ state: 'starting' })]
    assert.deepEqual(progressOf(formation(2), [web], instances), { settled: false, text: 'web: 1 of 2 running' })
    assert.deepEqual(progressOf(formation(2), [web], [anInstance(), anInstance()]).settled, true)
  })

  it('waits until the surplus is on its way out, but not for its end', () => {
    assert.equal(progressOf(formation(1), [web], [anInstance(), anInstance()]).text, 'web: 2 of 1 running, 1 to stop')
    assert.equal(progressOf(formation(1), [web], [anInstance(), anInstance({ intent: 'stop' })]).settled, true)
  })

  it('waits until the kernel holds them to the new size, wherever they got it', () => {
    assert.equal(progressOf(formation(1, 256), [web], [anInstance()]).settled, false)
    assert.equal(progressOf(formation(1, 256), [web], [anInstance({ memoryMb: 256 })]).settled, false)
    assert.equal(progressOf(formation(1, 256), [web], [anInstance({ applied: applied(256) })]).settled, true)
  })

  it('does not count what is lost, failed or of another type', () => {
    const others = [anInstance({ state: 'lost' }), anInstance({ state: 'failed' }), anInstance({ process: 'clock' })]
    assert.deepEqual(progressOf(formation(1), [web], others), { settled: false, text: 'web: 0 of 1 running' })
  })

  it('is done with a type that was scaled to nothing', () => {
    assert.equal(progressOf({}, [worker], []).settled, true)
  })
})
