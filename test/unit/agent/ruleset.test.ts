import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { defaultCeilings } from '../../../core/domain/resources.ts'
import { linkOf } from '../../../agent/sandbox/link.ts'
import {
  ceilingCommands,
  closingCommands,
  linkElements,
  ruleset,
  tenantChain,
  type RulesetInput,
} from '../../../agent/sandbox/ruleset.ts'

const input: RulesetInput = {
  slot: 3,
  appPort: 5000,
  resolvers: ['10.0.0.53'],
  platform: ['10.1.0.0/16', '10.1.2.3/32'],
  published: '192.0.2.10',
  routers: ['192.0.2.64/28'],
}
const link = linkOf(3, 260)
const policy = {
  tenantId: 'acme',
  egress: { allow: ['10.3.0.0/16'], deny: ['203.0.113.0/24'] },
  ceilings: { ...defaultCeilings, connections: 50, connectionsPerSecond: 7 },
  published: { port: 10_260, address: link.address, appPort: 5000 },
}

describe('The ruleset of a host', () => {
  it('is, as a whole, what was reviewed', () => {
    const reviewed = readFileSync(new URL('ruleset.nft', import.meta.url), 'utf8')
    assert.equal(ruleset(input, [{ link, ...policy }]), reviewed)
  })

  it('S73: gives chains new rules and never removes a set, a chain or the table', () => {
    const text = ruleset(input)
    assert.doesNotMatch(text, /delete|flush (table|ruleset|set|map)/)
    for (const [, chain = ''] of text.matchAll(/^ {2}chain (\S+) \{(?: type|\})/gm))
      assert.ok(text.includes(`flush chain inet berth_3 ${chain}\n`), chain)
  })

  it('S73: has no list of networks in a set that a reload replaces, where a packet under way would miss it', () => {
    assert.doesNotMatch(ruleset(input, [{ link, ...policy }]), /(daddr|saddr|l4proto|dport)[^\n]*\{/)
  })

  it('publishes instances only at an address that the host has, and only to routers that were named', () => {
    assert.doesNotMatch(ruleset({ ...input, published: null }), /dnat/)
    assert.doesNotMatch(ruleset({ ...input, routers: [] }), /ct status dnat ip saddr/)
  })

  it('S67: without a resolver, refuses all questions', () => {
    assert.match(ruleset({ ...input, resolvers: [] }), /chain lookup \{\n\s+counter name name_server drop/)
  })

  it('adds a sandbox as elements of sets, and takes the same ones away', () => {
    const added = linkElements(3, link, policy)
    assert.deepEqual(added, [
      'add element inet berth_3 sources { "bv3-260" . 02:be:01:00:01:04 . 100.67.1.4 }',
      'add element inet berth_3 lookups { "bv3-260" limit rate over 7/second burst 7 packets counter }',
      'add element inet berth_3 connection_rates { "bv3-260" limit rate over 7/second burst 7 packets counter }',
      'add element inet berth_3 connections { "bv3-260" ct count over 50 counter }',
      'add element inet berth_3 mail { "bv3-260" counter }',
      'add element inet berth_3 egress { "bv3-260" : goto tenant-acme }',
      'add element inet berth_3 published { 10260 : 100.67.1.4 . 5000 }',
    ])
    const sets = (lines: string[]) => lines.map((line) => line.split(' ')[4])
    assert.deepEqual(sets(closingCommands(3, link, policy.published)), sets(added))
    assert.deepEqual(sets(closingCommands(3, link, null)), sets(added).slice(0, -1))
  })

  it('changes the ceilings of a running sandbox and nothing else of it', () => {
    assert.deepEqual(ceilingCommands(3, link, policy.ceilings), [
      'delete element inet berth_3 lookups { "bv3-260" }',
      'delete element inet berth_3 connection_rates { "bv3-260" }',
      'delete element inet berth_3 connections { "bv3-260" }',
      ...linkElements(3, link, policy).slice(1, 4),
    ])
  })

  it('lets a tenant’s deny list win over its allow list, and ends in what is for all', () => {
    assert.deepEqual(tenantChain(3, 'acme', policy.egress).split('\n'), [
      'add chain inet berth_3 tenant-acme',
      'flush chain inet berth_3 tenant-acme',
      'add rule inet berth_3 tenant-acme ip daddr 203.0.113.0/24 counter name denied drop',
      'add rule inet berth_3 tenant-acme ip daddr 10.3.0.0/16 goto connect',
      'add rule inet berth_3 tenant-acme goto internet',
    ])
  })

  it('takes no tenant’s name and no network into its text unchecked', () => {
    assert.throws(() => tenantChain(3, 'x } ; flush ruleset', policy.egress), /not a tenant's id/)
    assert.throws(() => tenantChain(3, 'acme', { allow: ['1.1.1.1 } accept'], deny: [] }), /not an IPv4 network/)
  })
})
