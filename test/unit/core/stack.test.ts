import assert from 'node:assert/strict'
import { debianOf, isStackName, nextStackName } from '#core/domain/stack.ts'

describe('The name of a stack', () => {
  const now = Date.parse('2026-11-21T23:59:59Z')

  it('tells its day, and how many there were before it on that day', () => {
    assert.equal(nextStackName([], now), 'debian-13-20261121-1')
    assert.equal(nextStackName(['debian-13-20261121-1', 'debian-13-20261120-2'], now), 'debian-13-20261121-2')
  })

  it('tells the Debian release that programs were built on', () => {
    assert.equal(debianOf('debian-13-f9099a3d4d7b'), 13)
    assert.equal(debianOf('something-else'), null)
  })

  it('is safe in a path and in a key', () => {
    assert.ok(isStackName('debian-13-20261121-1') && isStackName('debian-13-f9099a3d4d7b'))
    for (const wrong of [
      '',
      'debian-13',
      'debian-13-',
      'debian-13-../x',
      'debian-13-A',
      'debian-13-a:b',
      `debian-13-${'a'.repeat(60)}`,
    ])
      assert.ok(!isStackName(wrong), wrong)
  })
})
