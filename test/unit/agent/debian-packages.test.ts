import assert from 'node:assert/strict'
import { debianRuntimes } from '#core/domain/slug.ts'
import { DEBIAN_RELEASE } from '#core/domain/stack.ts'
import { chooseDebianVersion, isOfVersion, versionsOf } from '../../../agent/runtimes/packages.ts'
import { rootName } from '../../../agent/runtimes/roots.ts'

describe('Runtimes from Debian', () => {
  it('has every runtime that buildpacks may ask for, in the release that stacks are made of', () => {
    for (const name of debianRuntimes) assert.notDeepEqual(versionsOf(DEBIAN_RELEASE, name), [], name)
  })

  it('has none of a release that it does not know', () => assert.deepEqual(versionsOf(7, 'ruby'), []))

  const there = ['21', '25'].map((version) => ({ version, counts: '', packages: [] }))
  const cases: { range: string; chosen: string | null; why: string }[] = [
    { range: '*', chosen: '21', why: 'the usual one' },
    { range: '25', chosen: '25', why: 'a major' },
    { range: '>=22', chosen: '25', why: 'a range' },
    { range: '17', chosen: null, why: 'there is no such version' },
    { range: '21.0.3', chosen: null, why: 'nobody can promise a patch' },
    { range: '$(reboot)', chosen: null, why: 'it is no range' },
  ]
  for (const { range, chosen, why } of cases)
    it(`${range} is ${chosen ?? 'nothing'}: ${why}`, () =>
      assert.equal(chooseDebianVersion(range, there)?.version ?? null, chosen))

  it('knows the version of a package, whatever Debian writes around it', () => {
    assert.equal(isOfVersion('3.13.5-2+deb13u5', '3.13'), true)
    assert.equal(isOfVersion('2:8.4.11-1', '8.4'), true)
    assert.equal(isOfVersion('21.0.13.1+2-1~deb13u1', '21'), true)
    assert.equal(isOfVersion('3.1.2-1', '3.13'), false)
    assert.equal(isOfVersion('3.130-1', '3.13'), false)
  })

  it('names a root by what it is made of, in any order', () => {
    const images = ['/c/toolchain@14.2-debian-13-x-1.squashfs', '/c/ruby@3.3-debian-13-x-1.squashfs']
    assert.equal(rootName('/r/debian-13-x', images), 'debian-13-x+ruby@3.3-1+toolchain@14.2-1')
    assert.equal(rootName('/r/debian-13-x', [...images].reverse()), rootName('/r/debian-13-x', images))
  })
})
