import assert from 'node:assert/strict'
import type { HostId } from '#core/domain/ids.ts'
import { defaultResources } from '#core/domain/resources.ts'
import { describeShortage, MAX_STARTING, place, placeBuild } from '../../../../controller/placement/placement.ts'
import { groupOf, openRooms, reserve } from '../../../../controller/placement/room.ts'
import { aDesired, aHost, anInstance, web } from '../../../helpers/cluster.ts'

const request = { group: groupOf(aDesired()), size: defaultResources }
const mb = (memoryMb: number) => ({ ...defaultResources, memoryMb })

describe('placement', () => {
  it('refuses when every host is short of memory, and says so', () => {
    const outcome = place(request, openRooms([aHost('host-a', { memoryMb: 256 })], []))
    assert.deepEqual(outcome, { placed: false, because: 'capacity', short: ['memory'] })
    assert.equal(describeShortage(request.size, ['memory']), 'no host has 512 MB memory free')
  })

  it('counts what is promised to instances, not what they use now', () => {
    const rooms = openRooms([aHost('host-a', { memoryMb: 1024 })], [anInstance('i-1', { size: mb(768) })])
    assert.equal(place(request, rooms).placed, false)
  })

  it('counts nothing for instances that stopped or gave up', () => {
    const ended = [
      anInstance('i-1', { size: mb(768) }, { state: 'failed' }),
      anInstance('i-2', { size: mb(768), intent: 'stop' }, { state: 'stopped' }),
    ]
    assert.equal(place(request, openRooms([aHost('host-a', { memoryMb: 1024 })], ended)).placed, true)
  })

  it('still counts an instance that is stopping', () => {
    const stopping = [anInstance('i-1', { size: mb(768), intent: 'stop' }, { state: 'draining' })]
    assert.equal(place(request, openRooms([aHost('host-a', { memoryMb: 1024 })], stopping)).placed, false)
  })

  it('gives nothing to a host that is cordoned or not live', () => {
    const hosts = [aHost('host-a', { cordoned: true }), aHost('host-b', { live: false })]
    const outcome = place(request, openRooms(hosts, []))
    assert.deepEqual(outcome, { placed: false, because: 'capacity', short: [] })
    assert.equal(describeShortage(request.size, []), 'no host takes work: all are down or cordoned')
  })

  it('names what all hosts lack, not what only one lacks', () => {
    const small = aHost('host-a', { capacity: { memoryMb: 100, cpuMilli: 10, diskMb: 10_000, slots: 9 } })
    const slow = aHost('host-b', { capacity: { memoryMb: 9000, cpuMilli: 10, diskMb: 10_000, slots: 9 } })
    assert.deepEqual(place(request, openRooms([small, slow], [])), {
      placed: false,
      because: 'capacity',
      short: ['cpu'],
    })
  })

  it('spreads a process type over the hosts before it looks at memory', () => {
    const hosts = [aHost('host-a', { memoryMb: 65_536 }), aHost('host-b', { memoryMb: 2048 })]
    const rooms = openRooms(hosts, [anInstance('i-1', { hostId: 'host-a' as HostId, processType: web })])
    assert.deepEqual(place(request, rooms), { placed: true, hostId: 'host-b' })
  })

  it('prefers the host that has promised the smaller share of its memory', () => {
    const other = anInstance('i-1', { hostId: 'host-a' as HostId, release: 9 })
    assert.deepEqual(place(request, openRooms([aHost('host-a'), aHost('host-b')], [other])), {
      placed: true,
      hostId: 'host-b',
    })
  })

  it('tells equal hosts apart by id, so that the same question has the same answer', () => {
    const rooms = openRooms([aHost('host-b'), aHost('host-a')], [])
    assert.deepEqual(place(request, rooms), { placed: true, hostId: 'host-a' })
  })

  it('lets a host start only so many at once, and says that this is not a lack of capacity', () => {
    let rooms = openRooms([aHost('host-a')], [])
    for (let n = 0; n < MAX_STARTING; n++) rooms = reserve(request, 'host-a' as HostId, rooms)
    assert.deepEqual(place(request, rooms), { placed: false, because: 'busy' })
  })

  it('does not count a crash loop as a start under way', () => {
    const looping = Array.from({ length: 20 }, (_, n) =>
      anInstance(`i-${n}`, { number: n + 1 }, { state: 'starting', restarts: 4 }),
    )
    assert.equal(place(request, openRooms([aHost('host-a')], looping)).placed, true)
  })

  it('builds where the fewest builds run, even where no memory is unreserved', () => {
    const rooms = openRooms([aHost('host-a', { memoryMb: 100 }), aHost('host-b')], [])
    assert.equal(placeBuild(rooms, new Map([['host-b' as HostId, 1]])), 'host-a')
    assert.equal(placeBuild(rooms, new Map()), 'host-b')
    assert.equal(placeBuild([], new Map()), null)
  })
})
