import assert from 'node:assert/strict'
import type { HostView, InstanceView, RunView } from '#core/contract/api.ts'
import { addressesIn, kindsOf, ruleText } from '../../../console/src/text/alerts.ts'
import { leavingOf } from '../../../console/src/text/drain.ts'
import { clientName, runState } from '../../../console/src/text/words.ts'

const anInstance = (more: Partial<InstanceView>): InstanceView =>
  ({
    app: 'shop',
    name: 'web.1',
    host: 'a',
    state: 'running',
    intent: 'run',
    memoryMb: 512,
    diskMb: 1024,
    once: false,
    ...more,
  }) as InstanceView

const aHost = (id: string, freeMb: number, more: Partial<HostView> = {}): HostView =>
  ({
    id,
    live: true,
    cordoned: false,
    capacity: { memoryMb: 4096, cpuMilli: 4000, diskMb: 40_960, slots: 512 },
    reserved: { memoryMb: 4096 - freeMb, cpuMilli: 0, diskMb: 0, slots: 0 },
    ...more,
  }) as HostView

describe('What the console says of a drain', () => {
  const drained = aHost('a', 0, { cordoned: true })
  const of = (here: InstanceView, others: InstanceView[], hosts: HostView[]) => {
    const [leaving] = leavingOf([here], [here, ...others], [drained, ...hosts])
    return [leaving?.word.text, leaving?.text]
  }

  it('names what keeps an instance where it is', () => {
    const here = anInstance({})
    assert.deepEqual(of(here, [], []), ['Stays', 'No other host takes work: add one, or uncordon one.'])
    assert.deepEqual(of(here, [], [aHost('b', 4096, { live: false })])[0], 'Stays', 'a lost host takes none')
    assert.deepEqual(of(here, [], [aHost('b', 511)]), [
      'Stays',
      'No other host has 512 MiB of memory free: add a host, or scale something down.',
    ])
    const full = { capacity: { memoryMb: 4096, cpuMilli: 4000, diskMb: 1000, slots: 512 } }
    assert.match(of(here, [], [aHost('b', 4096, full)])[1] ?? '', /1 GiB of disk/)
    assert.deepEqual(of(here, [], [aHost('b', 512)]), ['Waiting', 'Another host has room: its turn comes.'])
  })

  it('says where another one takes its place, and that what runs once only ends', () => {
    const here = anInstance({})
    const there = (state: InstanceView['state']) => [anInstance({ host: 'b', state })]
    assert.deepEqual(of(here, there('starting'), []), ['Moving', 'Another one starts on b.'])
    assert.match(of(here, there('running'), []).join(), /^Leaving,Another one serves on b/)
    assert.equal(of(here, there('failed'), [])[0], 'Stays', 'one that failed takes nobody’s place')
    assert.equal(of(here, [anInstance({ host: 'b', app: 'other' })], [])[0], 'Stays')
    assert.equal(of(anInstance({ intent: 'unroute' }), [], [])[0], 'Leaving')
    assert.equal(of(anInstance({ once: true }), [], [])[0], 'Runs once')
  })
})

describe('What the console says of runs, rules and sessions', () => {
  it('says how a run ended, and with which code', () => {
    const end = (reason: NonNullable<RunView['end']>['reason'], exitCode: number | null = null) =>
      runState({ state: 'ended', end: { at: '', reason, exitCode, detail: '' } })
    assert.deepEqual(end('completed', 0), { text: 'Completed', tone: 'good' })
    assert.deepEqual(end('exited', 3), { text: 'Exit 3', tone: 'bad' })
    assert.deepEqual(end('outOfMemory'), { text: 'Out of memory', tone: 'bad' })
    assert.deepEqual(end('clientGone'), { text: 'Client gone', tone: 'bad' })
    assert.equal(runState({ state: 'waiting', end: null }).text, 'Waiting')
    assert.equal(runState({ state: 'placed', end: null }).text, 'Running')
  })

  it('puts a rule in a few words, and offers what can be about an app, a tenant or the platform', () => {
    assert.equal(ruleText('errorRate', { on: true, limit: 5, forSeconds: 120 }), '5 % for 2 min')
    assert.equal(ruleText('crashLoop', { on: true, limit: 3, forSeconds: 0 }), '3 restarts')
    assert.equal(ruleText('hostLost', { on: true, limit: null, forSeconds: 30 }), 'for 30 s')
    assert.equal(ruleText('cronMissed', { on: true, limit: null, forSeconds: 0 }), 'at once')
    assert.ok(!kindsOf('app').includes('hostLost') && !kindsOf('app').includes('quota'))
    assert.ok(kindsOf('tenant').includes('quota') && kindsOf('platform').includes('hostLost'))
    assert.deepEqual(addressesIn(' a@x.example, b@x.example\na@x.example '), ['a@x.example', 'b@x.example'])
  })

  it('names a browser, and shows what it does not know as it is, as far as it is short', () => {
    const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
    const edge = 'Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0'
    assert.equal(clientName(firefox), 'Firefox, Linux')
    assert.equal(clientName(edge), 'Edge, Windows')
    assert.equal(clientName('berth-cli/0.9.2'), 'berth')
    assert.equal(clientName('x'.repeat(300)).length, 40)
    assert.equal(clientName(''), 'Unknown')
  })
})
