import assert from 'node:assert/strict'
import type { AppView, HostView, InstanceView, ReleaseView } from '#core/contract/api.ts'
import { whyNot, type Session } from '../../../console/src/api/session-rules.ts'
import { rank } from '../../../console/src/app/search.ts'
import { findConcerns } from '../../../console/src/text/attention.ts'
import { ago, bytes, duration, milliseconds, rate } from '../../../console/src/text/format.ts'
import { diffReleases } from '../../../console/src/text/release-diff.ts'
import { headline, sentence } from '../../../console/src/text/words.ts'

describe('What the console decides', () => {
  const release = (more: Partial<ReleaseView>): ReleaseView =>
    ({
      commit: 'aaaaaaaaaa',
      buildpack: 'nodejs',
      runtimes: [],
      processes: {},
      configNames: [],
      ...more,
    }) as ReleaseView

  it('calls a release by what its commit says, unless it is more than that commit', () => {
    const pushed = { description: 'Deploy 3f2c1a9', commit: '3f2c1a9'.padEnd(40, '0'), subject: 'Fix the totals' }
    assert.equal(headline(pushed), 'Fix the totals')
    assert.equal(headline({ ...pushed, subject: null }), 'Deploy 3f2c1a9')
    assert.equal(headline({ ...pushed, description: 'Rollback to v3' }), 'Rollback to v3')
  })

  it('shows what is different between two releases, and nothing of what is the same', () => {
    const before = release({ processes: { web: 'node a.js', clock: 'node c.js' }, configNames: ['A', 'B'] })
    const after = release({ processes: { web: 'node b.js' }, configNames: ['A', 'C'] })
    assert.deepEqual(diffReleases(before, after), [
      {
        title: 'Processes',
        lines: [
          { kind: 'removed', text: 'web: node a.js' },
          { kind: 'added', text: 'web: node b.js' },
          { kind: 'removed', text: 'clock: node c.js' },
        ],
      },
      {
        title: 'Config vars (names)',
        lines: [
          { kind: 'same', text: 'A' },
          { kind: 'added', text: 'C' },
          { kind: 'removed', text: 'B' },
        ],
      },
    ])
    assert.deepEqual(diffReleases(before, before), [])
  })

  it('puts what is worst first, tells of an app once, and says nothing where all is well', () => {
    const app = { name: 'shop', suspended: null, rollout: null } as AppView
    const host = { id: 'h1', live: true, capacity: { memoryMb: 100 }, memoryMbUsed: 50 } as HostView
    const instance = { app: 'shop', state: 'failed', once: false, restarts: 0, detail: 'It exited.' } as InstanceView
    assert.deepEqual(findConcerns({ alerts: [], hosts: [host], apps: [app], instances: [] }), [])
    const concerns = findConcerns({
      alerts: [
        {
          id: '1',
          kind: 'certificate',
          state: 'firing',
          app: 'docs',
          tenant: 't',
          host: null,
          since: 's',
          until: null,
          text: 'Ends soon.',
        },
        {
          id: '2',
          kind: 'slow',
          state: 'ended',
          app: 'old',
          tenant: 't',
          host: null,
          since: 's',
          until: 'u',
          text: 'Was slow.',
        },
      ],
      hosts: [{ ...host, live: false }],
      apps: [app],
      instances: [instance, { ...instance }],
    })
    assert.deepEqual(
      concerns.map(({ what, tone, href }) => [what, tone, href]),
      [
        ['Host lost', 'bad', '/hosts/h1'],
        ['Crashing', 'bad', '/apps/shop/instances'],
        ['Certificate', 'busy', '/apps/docs'],
      ],
    )
    assert.match(concerns[1]?.text ?? '', /^2 instances of shop/)
  })

  it('finds by beginnings first, then by parts, then by letters in their order', () => {
    const targets = ['shop-admin', 'workshop', 'shop', 'slow-hopper'].map((name) => ({ name, what: '', href: name }))
    assert.deepEqual(
      rank(targets, 'shop').map(({ name }) => name),
      ['shop', 'shop-admin', 'workshop', 'slow-hopper'],
    )
    assert.deepEqual(rank(targets, 'zzz'), [])
  })

  it('offers only what the caller may do, with the reason where they may not (C03)', () => {
    const session = (more: Partial<Session>): Session => ({
      actor: 'a',
      email: null,
      operator: false,
      memberships: [],
      readOnly: false,
      secondFactor: null,
      byToken: false,
      ...more,
    })
    const viewer = session({ memberships: [{ tenant: 'acme', role: 'viewer' }] })
    const member = session({ memberships: [{ tenant: 'acme', role: 'member' }] })
    const owner = session({ memberships: [{ tenant: 'acme', role: 'owner' }] })
    const operator = session({ operator: true })
    assert.match(whyNot(viewer, 'write', 'acme') ?? '', /look at acme/)
    assert.equal(whyNot(member, 'write', 'acme'), null)
    assert.match(whyNot(member, 'own', 'acme') ?? '', /owners of acme/)
    assert.equal(whyNot(owner, 'own', 'acme'), null)
    assert.notEqual(whyNot(owner, 'write', 'other'), null)
    assert.match(whyNot(owner, 'operate', 'acme') ?? '', /operators/)
    assert.equal(whyNot(operator, 'operate', null), null)
    assert.match(whyNot(session({ operator: true, readOnly: true }), 'write', null) ?? '', /only read/)
  })

  it('writes figures as people do', () => {
    assert.deepEqual([0, 900, 1536, 1024 ** 3 * 1.25].map(bytes), ['0 B', '900 B', '1.5 KiB', '1.3 GiB'])
    assert.deepEqual([0, 0.25, 4.62, 1234, 23_400].map(rate), ['0', '0.25', '4.6', '1,234', '23.4 k'])
    assert.deepEqual([null, 0, 0.4, 42, 1840].map(milliseconds), ['–', '0 ms', '<1 ms', '42 ms', '1.8 s'])
    assert.deepEqual([90, 4200, 61_000, 3_720_000].map(duration), ['90 ms', '4.2 s', '1 min 1 s', '1 h 2 min'])
    const now = Date.UTC(2026, 10, 21)
    assert.equal(ago(now - 90_000, now), '1 min ago')
    assert.equal(ago(now + 86_400_000, now), 'in 1 d')
    assert.equal(sentence('domainVerified'), 'Domain verified')
  })
})
