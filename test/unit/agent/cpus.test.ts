import assert from 'node:assert/strict'
import { assignCpus, formatCpus, parseCpus } from '../../../agent/sandbox/cpus.ts'
import { deviceOf } from '../../../agent/sandbox/machine.ts'

describe('Lists of cores', () => {
  it('are read and written as the kernel has them', () => {
    assert.deepEqual(parseCpus('0-3,6\n'), [0, 1, 2, 3, 6])
    assert.deepEqual(parseCpus('5,2,2-3'), [2, 3, 5])
    assert.deepEqual(parseCpus(''), [])
    assert.deepEqual(parseCpus('3-1,x'), [])
    assert.equal(formatCpus([6, 0, 1, 2, 3]), '0-3,6')
    assert.equal(formatCpus([]), '')
  })

  it('of an endless range have an end', () => {
    assert.ok(parseCpus('0-999999999999').length < 10_000)
  })
})

describe('Cores of tenants', () => {
  const machine = [0, 1, 2, 3]
  const assign = (reserved: Record<string, string | null>, cores = machine) =>
    Object.fromEntries([...assignCpus(cores, new Map(Object.entries(reserved)))].map(([t, c]) => [t, formatCpus(c)]))

  it('are all of the machine’s where nobody reserved any', () => {
    assert.deepEqual(assign({ acme: null, best: null }), { acme: '0-3', best: '0-3' })
  })

  it('are its own for who reserved them, and the rest for the others', () => {
    assert.deepEqual(assign({ acme: '2-3', best: null, cara: null }), { acme: '2-3', best: '0-1', cara: '0-1' })
  })

  it('are shared where two reserved the same', () => {
    assert.deepEqual(assign({ acme: '0', best: '0', cara: null }), { acme: '0', best: '0', cara: '1-3' })
  })

  it('are never none: a reservation beyond the machine does not count, nor one that leaves nothing to others', () => {
    assert.deepEqual(assign({ acme: '8-9', best: null }), { acme: '0-3', best: '0-3' })
    assert.deepEqual(assign({ acme: '0-3', best: null }), { acme: '0-3', best: '0-3' })
    assert.deepEqual(assign({ acme: '3-9', best: null }), { acme: '3', best: '0-2' })
  })
})

describe('Numbers of devices', () => {
  it('are taken apart as the kernel put them together', () => {
    assert.deepEqual(deviceOf(65024), { major: 254, minor: 0 })
    assert.deepEqual(deviceOf(0x701), { major: 7, minor: 1 })
    // Minor 300: its upper bits lie above the major's.
    assert.deepEqual(deviceOf((300 & 0xff) | (7 << 8) | ((300 & ~0xff) << 12)), { major: 7, minor: 300 })
  })
})
