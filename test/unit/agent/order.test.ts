import assert from 'node:assert/strict'
import type { Order } from '#core/contract/jobs.ts'
import type { HostId, InstanceId } from '#core/domain/ids.ts'
import type { Desired } from '#core/domain/instance.ts'
import { FIRST_UID } from '#core/domain/app.ts'
import { isRefusal, judge } from '../../../agent/order.ts'
import { isSound } from '../../../agent/instance/sound.ts'
import { aDesired } from '../../helpers/cluster.ts'

const host = 'host-a' as HostId

describe('C16 an order that was signed', () => {
  const order: Order = {
    host,
    job: { kind: 'instance', instanceId: 'i-one' as InstanceId },
    issuedAt: 1_000,
    expiresAt: 2_000,
    nonce: 'n-1',
  }
  const here = { hostId: host, jobId: 'n-1', now: 1_500, since: 0, isKnown: false }
  const rows: [what: string, circumstances: Partial<typeof here>, verdict: string, isAlarm: boolean][] = [
    ['is obeyed in time', {}, 'obey', false],
    ['of another host is refused', { hostId: 'host-a-2' as HostId }, 'otherHost', true],
    ['that comes as another job is a replay', { jobId: 'n-2' }, 'replayed', true],
    ['that has expired while its agent was there is refused', { now: 2_001 }, 'expired', true],
    ['that waited for an agent that was away is only late', { now: 2_001, since: 1_001 }, 'late', false],
    ['is obeyed once, since the queue may deliver it again', { isKnown: true }, 'again', false],
  ]
  for (const [what, over, verdict, isAlarm] of rows)
    it(what, () => {
      const found = judge(order, { ...here, ...over })
      assert.equal(found, verdict)
      assert.equal(isRefusal(found), isAlarm)
    })
})

describe('C16 desired state, as an agent finds it in Redis', () => {
  const desired = aDesired({ hostId: host, uidBase: FIRST_UID + 2048 })

  it('is acted on as controllers write it', () => {
    assert.ok(isSound(desired, host))
    assert.ok(isSound({ ...desired, stack: 'debian-13-20261121-1' }, host))
  })

  const forged: Record<string, Partial<Record<keyof Desired, unknown>>> = {
    'of root’s own user ids': { uidBase: 0 },
    'of the host’s users': { uidBase: 1000 },
    'between the ranges of two apps': { uidBase: FIRST_UID + 1 },
    'beyond what user ids there are': { uidBase: 0xffffffff },
    'of no number': { uidBase: '268435456' },
    'with an id that leads elsewhere': { id: '../../etc' },
    'of an app that leads elsewhere': { appId: '..' },
    'of a tenant that leads elsewhere': { tenantId: 'a/b' },
    'on a stack that leads elsewhere': { stack: '../root' },
    'of a process type that is none': { processType: 'web\n' },
    'of another host': { hostId: 'host-b' },
    'without limits': { size: { memoryMb: Infinity, cpuMilli: 1, pids: 1, diskMb: 1 } },
  }
  for (const [what, over] of Object.entries(forged))
    it(`is ignored ${what}`, () => assert.equal(isSound({ ...desired, ...over } as Desired, host), false))
})
