import assert from 'node:assert/strict'
import type { InstanceId } from '#core/domain/ids.ts'
import { defaultCeilings } from '#core/domain/resources.ts'
import {
  describeRefusal,
  TELL_AGAIN_MS,
  watchRefusals,
  type Seen,
  type Watch,
} from '../../../agent/instance/refusals.ts'
import { refusedIn, type Refused } from '../../../agent/sandbox/ruleset.ts'

const none: Refused = { lookups: 0, connection_rates: 0, connections: 0, mail: 0 }
const seen = (refused: Partial<Refused>, place = 4): Seen => ({
  id: 'i-one' as InstanceId,
  place,
  refused: { ...none, ...refused },
})
const empty: Watch = new Map()

describe('S70: what the network refused an instance', () => {
  it('is told at once, with how often', () => {
    const { watch, news } = watchRefusals(empty, [seen({ mail: 3 })], 1000)
    assert.deepEqual(news, [{ id: 'i-one', cap: 'mail', packets: 3 }])
    assert.deepEqual(watchRefusals(watch, [seen({ mail: 3 })], 2000).news, [])
  })

  it('is told again only after a while, with all that came since', () => {
    const first = watchRefusals(empty, [seen({ connections: 1 })], 0)
    const second = watchRefusals(first.watch, [seen({ connections: 5 })], 10_000)
    assert.deepEqual(second.news, [])
    const third = watchRefusals(second.watch, [seen({ connections: 7 })], TELL_AGAIN_MS - 1)
    assert.deepEqual(third.news, [])
    const { news } = watchRefusals(third.watch, [seen({ connections: 7 })], TELL_AGAIN_MS)
    assert.deepEqual(news, [{ id: 'i-one', cap: 'connections', packets: 6 }])
  })

  it('is told of each cap for itself', () => {
    const { watch } = watchRefusals(empty, [seen({ connections: 1 })], 0)
    const { news } = watchRefusals(watch, [seen({ connections: 2, lookups: 9 })], 10_000)
    assert.deepEqual(news, [{ id: 'i-one', cap: 'lookups', packets: 9 }])
  })

  it('counts from nothing on a new link, and after new ceilings', () => {
    const { watch } = watchRefusals(empty, [seen({ mail: 5 })], 0)
    const moved = watchRefusals(watch, [seen({ mail: 6 }, 5)], TELL_AGAIN_MS)
    assert.deepEqual(moved.news[0]?.packets, 6)
    const renewed = watchRefusals(watch, [seen({ mail: 2 })], TELL_AGAIN_MS)
    assert.deepEqual(renewed.news[0]?.packets, 2)
  })

  it('is not told twice when another agent takes over', () => {
    const { watch, news } = watchRefusals(null, [seen({ mail: 5 })], 0)
    assert.deepEqual(news, [])
    assert.deepEqual(watchRefusals(watch, [seen({ mail: 6 })], 1).news, [{ id: 'i-one', cap: 'mail', packets: 1 }])
  })

  it('forgets an instance that has gone', () => {
    const { watch } = watchRefusals(empty, [seen({ mail: 5 })], 0)
    assert.equal(watchRefusals(watch, [], 1).watch.size, 0)
  })

  it('names the limit and what to do', () => {
    const said = (cap: keyof Refused, packets: number) =>
      describeRefusal({ cap, packets }, 'web.1', defaultCeilings).text
    assert.match(said('connections', 2), /web\.1 had 1000 connections open, .* refused another 2 times\./)
    assert.match(said('connection_rates', 1), /more than 100 connections a second, .* dropped once\./)
    assert.match(said('lookups', 1), /asked name servers more than 100 times/)
    assert.match(said('mail', 1), /port 25, which is closed to apps, once\. Use port 587/)
  })
})

describe('What the kernel lists of its sets', () => {
  const listing = `table inet berth_3 {
\tset lookups {
\t\ttype ifname
\t\tlimit rate over 1/second counter
\t\telements = { "bv3-4" limit rate over 7/second burst 7 packets counter packets 11 bytes 600,
\t\t\t     "bv3-260" limit rate over 7/second burst 7 packets counter packets 0 bytes 0 }
\t}

\tset mail {
\t\ttype ifname
\t\tcounter
\t\telements = { "bv3-4" counter packets 2 bytes 120 }
\t}

\tset connections {
\t\ttype ifname
\t\tct count over 1 counter
\t}

\tcounter smtp {
\t\tpackets 5 bytes 300
\t}
}
`

  it('is read by sandbox and cap', () => {
    assert.deepEqual(
      refusedIn(3, listing),
      new Map([
        [4, { ...none, lookups: 11, mail: 2 }],
        [260, none],
      ]),
    )
  })

  it('is nothing in what is no listing, and nothing of another slot', () => {
    assert.equal(refusedIn(3, '').size, 0)
    assert.equal(refusedIn(4, listing).size, 0)
  })
})
