import assert from 'node:assert/strict'
import type { TenantId } from '#core/domain/ids.ts'
import { defaultShare } from '#core/domain/quota.ts'
import { defaultResources } from '#core/domain/resources.ts'
import { sharesOf } from '../../../agent/instance/shares.ts'
import { aDesired } from '../../helpers/cluster.ts'

const acme = 'acme' as TenantId
const small = { ...defaultShare, memoryMb: 1024 }
const ofSize = (memoryMb: number, over = {}) =>
  aDesired({ tenantId: acme, share: small, size: { ...defaultResources, memoryMb }, ...over })

describe('A tenant’s share of a host', () => {
  it('is its plan’s, however little its instances were promised', () => {
    assert.deepEqual(sharesOf([ofSize(128), ofSize(256)]).get(acme), small)
  })

  it('covers both sets of instances while a rollout runs two', () => {
    assert.equal(sharesOf([ofSize(1024), ofSize(1024)]).get(acme)?.memoryMb, 2048)
  })

  it('is the newest that was written, while older instances still carry the plan before', () => {
    const grown = ofSize(128, { share: { ...small, memoryMb: 4096 }, since: 5 })
    assert.equal(sharesOf([grown, ofSize(128)]).get(acme)?.memoryMb, 4096)
  })

  it('is told for each tenant apart', () => {
    const others = sharesOf([ofSize(128), aDesired({ tenantId: 'other' as TenantId })])
    assert.deepEqual([...others.keys()], ['acme', 'other'])
  })
})
