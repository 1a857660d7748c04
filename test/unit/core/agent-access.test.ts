import assert from 'node:assert/strict'
import { identityIn, judgeAgent, nameOfAgent, renewalOf, type AgentNeed } from '#core/domain/agent-access.ts'
import type { HostId } from '#core/domain/ids.ts'

const [a, b] = ['host-a', 'host-b'] as HostId[] as [HostId, HostId]
const needs: AgentNeed[] = ['instance', 'run', 'session', 'build', 'layer', 'building']

describe('the rule about what agents may', () => {
  it('C17 lets a host have what is its own, and hides what is another’s as what is nobody’s', () => {
    for (const need of needs) {
      assert.equal(judgeAgent(a, need, [a]), 'allowed', need)
      assert.equal(judgeAgent(a, need, [b, a]), 'allowed', need)
      assert.equal(judgeAgent(a, need, [b]), 'hidden', need)
      assert.equal(judgeAgent(a, need, []), 'hidden', need)
      assert.equal(judgeAgent(null, need, 'every host'), 'unknown', need)
    }
    assert.equal(judgeAgent(a, 'layer', 'every host'), 'allowed')
    assert.equal(judgeAgent(null, 'joining', []), 'allowed')
    assert.equal(judgeAgent(null, 'itself', 'every host'), 'unknown')
  })

  it('C17 reads a host from the one name of a certificate, and from nothing like it', () => {
    const identity = { host: a, enrolment: 'e-aaaaaaaaaaaaa' }
    assert.deepEqual(identityIn(`URI:${nameOfAgent(identity)}`), identity)
    for (const wrong of [
      '',
      'DNS:host-a',
      nameOfAgent(identity),
      `URI:${nameOfAgent(identity)}, URI:urn:berth:host:host-b:e-aaaaaaaaaaaaa`,
      `DNS:x, URI:${nameOfAgent(identity)}`,
      'URI:urn:berth:host:Host:e-aaaaaaaaaaaaa',
      'URI:urn:berth:host:a:b:e-aaaaaaaaaaaaa',
      'URI:urn:berth:host:host-a:e-',
      'URI:"urn:berth:host:host-a:e-aaaaaaaaaaaaa"',
    ])
      assert.equal(identityIn(wrong), null, wrong)
  })

  it('renews at half of the time, and at once what has ended', () => {
    assert.equal(renewalOf(1000, 2000), 1500)
    assert.equal(renewalOf(1000, 500), 1000)
  })
})
