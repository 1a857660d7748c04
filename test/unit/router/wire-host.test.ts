import assert from 'node:assert/strict'
import { emptyRequestHead, OUTSIDE, scanRequestHead } from '../../../router/wire/request-head.ts'

/** The heads of one connection, one after the other. @returns the host of each, or null where it is none of the fast lane's */
function hostsOf(...fields: string[]): (string | null)[] {
  const head = emptyRequestHead()
  return fields.map((field) => {
    const bytes = Buffer.from(`GET / HTTP/1.1\r\n${field}\r\n`, 'latin1')
    return scanRequestHead(bytes, 0, bytes.length, head) === OUTSIDE ? null : head.host
  })
}

describe('the host of a request that follows another', () => {
  it('is its own, whatever the one before it named', () => {
    assert.deepEqual(
      hostsOf('Host: a.example\r\n', 'Host: a.example\r\n', 'Host: b.example\r\n', 'Host: a.example:8080\r\n'),
      ['a.example', 'a.example', 'b.example', 'a.example:8080'],
    )
  })

  it('H41: is checked again when it is another one, also after one that was bad', () => {
    const [first, bad, again, good] = hostsOf('Host: a.example\r\n', 'Host: a/xample\r\n', 'Host: a/xample\r\n', 'Host: a.example\r\n') // prettier-ignore
    assert.deepEqual([first, bad, again, good], ['a.example', null, null, 'a.example'])
  })

  it('H39, H40: is not taken over where a request names none, or the same one twice', () => {
    assert.deepEqual(hostsOf('Host: a.example\r\n', 'Accept: */*\r\n', 'Host: a.example\r\nHost: a.example\r\n'), [
      'a.example',
      null,
      null,
    ])
  })
})
