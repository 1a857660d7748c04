import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Webhook } from 'standardwebhooks'
import type { AppId } from '#core/domain/ids.ts'
import { createSealer } from '../../../../controller/secrets.ts'
import { makeSecret, openSecret, sealSecret, sign, signatureHeaders } from '../../../../controller/webhooks/sign.ts'

const random = (bytes: number): Uint8Array => randomBytes(bytes)
const body = '{"type":"webhook.test","data":{"text":"é"}}'

describe('the signature of a webhook', () => {
  it('is that of the specification’s example', () => {
    const signature = sign(
      'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      'msg_p5jXN8AQM9LWM0D4loKWxJek',
      1614265330,
      '{"test": 2432232314}',
    )
    assert.equal(signature, 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
  })

  it('is taken by the reference library, by either secret of a rotation, and by no other', () => {
    const [fresh, old, other] = [makeSecret(random), makeSecret(random), makeSecret(random)]
    const headers = signatureHeaders([fresh, old], 'msg-1-0', Date.now(), body)
    for (const secret of [fresh, old]) assert.deepEqual(new Webhook(secret).verify(body, headers), JSON.parse(body))
    assert.throws(() => new Webhook(other).verify(body, headers))
    assert.throws(() => new Webhook(fresh).verify(body.replace('é', 'e'), headers))
    assert.throws(() => new Webhook(fresh).verify(body, { ...headers, 'webhook-id': 'msg-2-0' }))
  })

  it('C18 is old after minutes, so that what was recorded cannot be sent again', () => {
    const secret = makeSecret(random)
    const headers = signatureHeaders([secret], 'msg-1-0', Date.now() - 10 * 60_000, body)
    assert.throws(() => new Webhook(secret).verify(body, headers), /too old/)
  })

  it('is checked by the example in docs/webhooks.md', async () => {
    const { isFromBerth } = await exampleIn('docs/webhooks.md')
    const [fresh, old, other] = [makeSecret(random), makeSecret(random), makeSecret(random)]
    const now = Date.now()
    const headers = signatureHeaders([fresh, old], 'msg-1-0', now, body)
    for (const secret of [fresh, old]) assert.equal(isFromBerth(secret, headers, body), true)
    assert.equal(isFromBerth(other, headers, body), false)
    assert.equal(isFromBerth(fresh, headers, `${body} `), false)
    assert.equal(isFromBerth(fresh, headers, body, now + 6 * 60_000), false)
    assert.equal(isFromBerth(fresh, { ...headers, 'webhook-timestamp': 'soon' }, body), false)
    assert.equal(isFromBerth(fresh, {}, body), false)
    assert.equal(isFromBerth(fresh, { ...headers, 'webhook-signature': 'v1,AAAA v2,x' }, body), false)
  })
})

describe('the secret of a webhook', () => {
  it('C14 has 256 bits, and opens only for its own webhook', () => {
    const sealer = createSealer(randomBytes(32))
    const secret = makeSecret(random)
    assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/)
    const sealed = sealSecret(sealer, 'w-one', secret)
    assert.ok(!sealed.includes(secret.slice(6)))
    assert.equal(openSecret(sealer, 'w-one', sealed), secret)
    assert.throws(() => openSecret(sealer, 'w-two', sealed))
    assert.throws(() => sealer.open('w-one' as AppId, 'ANYTHING', sealed))
  })
})

type Example = { isFromBerth: (secret: string, headers: Record<string, string>, body: string, now?: number) => boolean }

/** The page's JavaScript, as whoever copies it runs it. */
async function exampleIn(page: string): Promise<Example> {
  const [, code] = /```js\n([\s\S]*?)```/.exec(await readFile(page, 'utf8')) ?? []
  const folder = await mkdtemp(join(tmpdir(), 'berth-example-'))
  try {
    const path = join(folder, 'verify.mjs')
    await writeFile(path, code ?? '')
    return (await import(pathToFileURL(path).href)) as Example
  } finally {
    await rm(folder, { recursive: true })
  }
}
