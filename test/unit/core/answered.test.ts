import assert from 'node:assert/strict'
import { answeredPerSecond, mergeAnswered, packAnswered, unpackAnswered, type Answered } from '#core/domain/answered.ts'
import type { InstanceId, ProcessType } from '#core/domain/ids.ts'

const counted = (counts: Record<string, number>): Answered => new Map(Object.entries(counts) as [InstanceId, number][])
const web = (id: string) => ({ id: id as InstanceId, processType: 'web' as ProcessType })

describe('what routers say of instances', () => {
  it('adds up over routers and stretches, and comes back from the store as it was', () => {
    const sum = mergeAnswered([counted({ 'i-1': 12, 'i-2': 3 }), null, counted({ 'i-1': 8 }), counted({})])
    assert.deepEqual(sum, counted({ 'i-1': 20, 'i-2': 3 }))
    assert.ok(sum)
    assert.equal(packAnswered(sum), 'i-1:20 i-2:3')
    for (const each of [sum, counted({})]) assert.deepEqual(unpackAnswered(packAnswered(each)), each)
  })

  it('is a rate, 0 for one that nobody asked, and null where no router said anything or none asks', () => {
    const said = mergeAnswered([counted({ 'i-1': 25, 'i-worker': 25 })])
    assert.equal(answeredPerSecond(web('i-1'), said, 10), 2.5)
    assert.equal(answeredPerSecond(web('i-2'), said, 10), 0)
    assert.equal(answeredPerSecond({ ...web('i-worker'), processType: 'worker' as ProcessType }, said, 10), null)
    assert.equal(mergeAnswered([null, null]), null)
    assert.equal(answeredPerSecond(web('i-1'), null, 10), null)
    assert.equal(answeredPerSecond(web('i-1'), mergeAnswered([counted({})]), 10), 0)
  })
})
