import assert from 'node:assert/strict'
import { CertificateTable } from '../../../router/certificate-table.ts'
import { LeastRecent } from '../../../router/least-recent.ts'
import type { AppId } from '#core/domain/ids.ts'
import { aCertificate } from '#test/helpers/certificates.ts'

describe('The table of certificates', () => {
  const tableOf = (...some: Parameters<typeof aCertificate>[0][]) => {
    const table = new CertificateTable()
    for (const over of some) {
      const certificate = aCertificate(over)
      table.change(certificate.id, certificate)
    }
    return table
  }

  it('finds exactly the name first, then the wildcard above it', () => {
    const table = tableOf({ id: 'wild', hosts: ['*.a.test'] }, { id: 'exact', hosts: ['www.a.test', 'b.test'] })
    const find = (name: string) => table.find(name, 1)?.id
    assert.equal(find('www.a.test'), 'exact')
    assert.equal(find('other.a.test'), 'wild')
    assert.equal(find('b.test'), 'exact')
    for (const name of ['a.test', 'x.y.a.test', 'test', 'www.b.test']) assert.equal(find(name), undefined, name)
  })

  it('prefers a wildcard that is valid to a name of its own that expired', () => {
    const table = tableOf(
      { id: 'wild', hosts: ['*.a.test'], notAfter: 100 },
      { id: 'exact', hosts: ['www.a.test'], notAfter: 10 },
    )
    assert.equal(table.find('www.a.test', 5)?.id, 'exact')
    assert.equal(table.find('www.a.test', 50)?.id, 'wild')
    assert.equal(table.find('www.a.test', 500)?.id, 'exact')
  })

  it('forgets what was removed, and what a certificate serves no more', () => {
    const table = tableOf({ id: 'one', hosts: ['a.test', 'b.test'] })
    table.change('one', aCertificate({ id: 'one', hosts: ['b.test'] }))
    assert.equal(table.find('a.test', 1), null)
    assert.equal(table.find('b.test', 1)?.id, 'one')
    table.change('one', null)
    table.change('never there', null)
    assert.equal(table.find('b.test', 1), null)
    assert.equal(table.size, 0)
  })

  it("gives clients that name nothing the platform's, never a tenant's", () => {
    const table = tableOf(
      { id: 'tenant', hosts: ['*.berth.test'], appId: 'a-1' as AppId },
      { id: 'other', hosts: ['a.test'] },
    )
    assert.equal(table.findUnnamed('berth.test', 1), null)
    table.change('platform', aCertificate({ id: 'platform', hosts: ['*.berth.test', 'berth.test'] }))
    assert.equal(table.findUnnamed('berth.test', 1)?.id, 'platform')
  })
})

describe('A map within a bound', () => {
  it('lets go of what was not asked for longest', () => {
    const map = new LeastRecent<number>(2)
    map.set('a', 1)
    map.set('b', 2)
    map.get('a')
    map.set('c', 3)
    assert.deepEqual([map.get('a'), map.get('b'), map.get('c')], [1, undefined, 3])
  })

  it('tells of all that it holds no longer', () => {
    const gone: string[] = []
    const map = new LeastRecent<string>(2, (value) => gone.push(value))
    for (const key of ['a', 'b', 'c']) map.set(key, key)
    map.set('b', 'b again')
    map.delete('nothing')
    map.clear()
    assert.deepEqual(gone, ['a', 'b', 'c', 'b again'])
  })

  it('counts weights, also of what is replaced and of what is too heavy', () => {
    const map = new LeastRecent<string>(10)
    map.set('a', 'x', 6)
    map.set('a', 'y', 4)
    assert.ok(map.hasRoomFor(6))
    assert.equal(map.hasRoomFor(7), false)
    map.set('heavy', 'z', 11)
    assert.equal(map.size, 0)
    assert.ok(map.hasRoomFor(10))
  })
})
