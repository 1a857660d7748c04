import assert from 'node:assert/strict'
import { openText, sealText } from '../../../cli/sealed.ts'

describe('Config vars in an app’s file', function () {
  this.timeout(30_000)
  const cheap = { N: 4096, r: 8, p: 1 }
  const secret = JSON.stringify({ KEY: 'välue' })

  it('come back with the passphrase, and show nothing without it', async () => {
    const sealed = await sealText(secret, 'correct horse', cheap)
    assert.equal(await openText(sealed, 'correct horse'), secret)
    assert.ok(!sealed.includes('välue'))
    await assert.rejects(openText(sealed, 'wrong horse'), { message: /^The passphrase is wrong/ })
    assert.notDeepEqual(await sealText(secret, 'correct horse', cheap), sealed)
  })

  it('are refused when a bit of them, or of how they are sealed, has changed', async () => {
    const sealed = await sealText(secret, 'correct horse', cheap)
    for (const at of [sealed.length - 1, sealed.length - 20]) {
      const changed = Buffer.from(sealed)
      changed[at] = (changed[at] ?? 0) ^ 1
      await assert.rejects(openText(changed, 'correct horse'), { message: /^The passphrase is wrong, or .* damaged/ })
    }
    const cheaper = Buffer.from(sealed.toString('latin1').replace('"N":4096', '"N":2048'), 'latin1')
    await assert.rejects(openText(cheaper, 'correct horse'), { message: /^The passphrase is wrong/ })
  })

  it('of another version, or made to use up this machine’s memory, are refused before any work', async () => {
    const header = (over: object) =>
      Buffer.from(
        `${JSON.stringify({ format: 'berth-sealed-1', N: 16384, r: 8, p: 1, salt: '', iv: 'AAAAAAAAAAAAAAAA', ...over })}\n${'x'.repeat(40)}`,
      )
    await assert.rejects(openText(header({ format: 'berth-sealed-2' }), 'x'), {
      message: /"berth-sealed-2", which this/,
    })
    await assert.rejects(openText(header({ N: 2 ** 30 }), 'x'), { message: /damaged/ })
    await assert.rejects(openText(header({ p: 1000 }), 'x'), { message: /damaged/ })
    await assert.rejects(openText(Buffer.from('nothing'), 'x'), { message: /damaged/ })
  })
})
