import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { AppId } from '#core/domain/ids.ts'
import { makeToken, parseToken } from '../../../controller/credentials.ts'
import { createSealer } from '../../../controller/secrets.ts'

const app = 'a-one' as AppId
const other = 'a-two' as AppId

describe('a sealed config var', () => {
  const sealer = createSealer(randomBytes(32))

  it('opens where it was sealed, whatever it holds', () => {
    for (const value of ['', 'x', 'ä🙂\n', 'x'.repeat(60_000)])
      assert.equal(sealer.open(app, 'NAME', sealer.seal(app, 'NAME', value)), value)
  })

  it('looks different each time', () => {
    assert.notEqual(sealer.seal(app, 'NAME', 'x'), sealer.seal(app, 'NAME', 'x'))
  })

  it('does not open when it was moved to another app or name, changed, cut, or sealed under another key', () => {
    const sealed = sealer.seal(app, 'NAME', 'value')
    assert.throws(() => sealer.open(other, 'NAME', sealed))
    assert.throws(() => sealer.open(app, 'OTHER', sealed))
    const bytes = Buffer.from(sealed, 'base64')
    for (const at of [0, 12, bytes.length - 1]) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 1
      assert.throws(() => sealer.open(app, 'NAME', changed.toString('base64')))
    }
    for (const length of [0, 12, 20, bytes.length - 1])
      assert.throws(() => sealer.open(app, 'NAME', bytes.subarray(0, length).toString('base64')))
    assert.throws(() => createSealer(randomBytes(32)).open(app, 'NAME', sealed))
  })
})

describe('an API token', () => {
  it('is read back as what was stored of it, and nothing like it is', () => {
    const { id, text, secretHash } = makeToken(randomBytes)
    assert.deepEqual(parseToken(text), { id, secretHash })
    assert.doesNotMatch(secretHash, new RegExp(text.split('_')[2] ?? ''))
    for (const wrong of ['', 'berth__', text + '0', text.slice(1), text.toUpperCase(), `${text}\n`])
      assert.equal(parseToken(wrong), null, wrong)
  })
})
