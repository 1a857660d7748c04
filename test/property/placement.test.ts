import assert from 'node:assert/strict'
import fc from 'fast-check'
import { CPU_OVERCOMMIT, type Host } from '#core/domain/host.ts'
import { defaultResources, type Resources } from '#core/domain/resources.ts'
import { place } from '../../controller/placement/placement.ts'
import { openRooms, reserve, type Room } from '../../controller/placement/room.ts'
import { aHost } from '../helpers/cluster.ts'

const sizes = fc.record({
  memoryMb: fc.integer({ min: 32, max: 4096 }),
  cpuMilli: fc.integer({ min: 50, max: 4000 }),
  pids: fc.constant(256),
  diskMb: fc.integer({ min: 16, max: 4096 }),
})
const hostLists = fc
  .array(fc.record({ memoryMb: fc.integer({ min: 0, max: 16_384 }), slots: fc.integer({ min: 0, max: 8 }) }), {
    maxLength: 6,
  })
  .map((all) =>
    all.map(({ memoryMb, slots }, n) =>
      aHost(`host-${n}`, { capacity: { memoryMb, cpuMilli: 1000, diskMb: 8192, slots } }),
    ),
  )

/** Places one after the other, and passes over what does not fit. */
function placeAll(hosts: Host[], requests: { group: string; size: Resources }[]): Room[] {
  let rooms = openRooms(hosts, [])
  for (const request of requests) {
    const outcome = place(request, rooms)
    if (outcome.placed) rooms = reserve(request, outcome.hostId, rooms)
  }
  return rooms
}

describe('placement, whatever is asked of it', () => {
  it('never promises more than a host has', () => {
    fc.assert(
      fc.property(hostLists, fc.array(sizes, { maxLength: 60 }), (hosts, asked) => {
        const rooms = placeAll(
          hosts,
          asked.map((size, n) => ({ group: `app-${n % 3}`, size })),
        )
        for (const { reserved, capacity } of rooms) {
          assert.ok(reserved.memoryMb <= capacity.memoryMb)
          assert.ok(reserved.cpuMilli <= capacity.cpuMilli * CPU_OVERCOMMIT)
          assert.ok(reserved.diskMb <= capacity.diskMb)
          assert.ok(reserved.slots <= capacity.slots)
        }
      }),
    )
  })

  it('refuses for capacity only when truly no host has room', () => {
    fc.assert(
      fc.property(hostLists, sizes, (hosts, size) => {
        const outcome = place({ group: 'app', size }, openRooms(hosts, []))
        const fits = hosts.some(
          ({ capacity }) =>
            size.memoryMb <= capacity.memoryMb &&
            size.cpuMilli <= capacity.cpuMilli * CPU_OVERCOMMIT &&
            size.diskMb <= capacity.diskMb &&
            capacity.slots >= 1,
        )
        assert.equal(outcome.placed, fits)
      }),
    )
  })

  it('spreads each process type over equal hosts, to within one instance', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.constantFrom('app-a', 'app-b', 'app-c'), { maxLength: 30 }),
        (hostCount, groups) => {
          const hosts = Array.from({ length: hostCount }, (_, n) => aHost(`host-${n}`))
          const requests = groups.map((group) => ({ group, size: defaultResources }))
          let rooms = openRooms(hosts, [])
          for (const request of requests) {
            const outcome = place(request, rooms)
            if (!outcome.placed) continue
            rooms = reserve(request, outcome.hostId, rooms).map((room) => ({ ...room, starting: 0 }))
          }
          for (const group of new Set(groups)) {
            const counts = rooms.map((room) => room.groups.get(group) ?? 0)
            assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `${group}: ${counts.join(' ')}`)
          }
        },
      ),
    )
  })

  it('does not depend on the order in which hosts are listed', () => {
    fc.assert(
      fc.property(hostLists, sizes, (hosts, size) => {
        const request = { group: 'app', size }
        const one = place(request, openRooms(hosts, []))
        const other = place(request, openRooms([...hosts].reverse(), []))
        assert.deepEqual(one, other)
        if (one.placed) assert.ok(hosts.some(({ id }) => id === one.hostId))
      }),
    )
  })
})
