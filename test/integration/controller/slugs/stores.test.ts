import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { LayerDigest } from '#core/domain/ids.ts'
import type { SlugStore } from '#core/runtime/config.ts'
import { silentLog } from '#core/runtime/log.ts'
import { startS3, type TestS3 } from '#test/helpers/s3.ts'
import { waitFor } from '#test/helpers/world.ts'
import { openLayers, type Layers } from '../../../../controller/layers.ts'
import { openSlugStore } from '../../../../controller/slugs/store.ts'

const bytesOf = (size: number) => randomBytes(size)
const digestOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex') as LayerDigest

describe('A slug store', function () {
  this.timeout(60_000)
  let s3: TestS3
  let folder: string
  const keys = { AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' }
  const before_ = { ...process.env }
  const stopping = new AbortController()
  let prefixes = 0

  before(async () => {
    Object.assign(process.env, keys)
    s3 = await startS3('slugs')
  })
  after(async () => {
    stopping.abort()
    for (const name of Object.keys(keys)) {
      if (before_[name] === undefined) Reflect.deleteProperty(process.env, name)
      else process.env[name] = before_[name]
    }
    await s3?.stop()
  })
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-slugs-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  const aBucket = (over: Partial<SlugStore> = {}): SlugStore => ({
    bucket: 'slugs',
    prefix: `test-${++prefixes}/`,
    endpoint: s3.endpoint,
    region: 'us-east-1',
    ...over,
  })
  const open = (bucket: SlugStore | null) => openSlugStore(folder, bucket, { log: silentLog, signal: stopping.signal })

  async function listed(layers: Layers): Promise<Record<string, number>> {
    const found: Record<string, number> = {}
    for await (const { digest, bytes } of layers.list()) found[digest] = bytes
    return found
  }

  const kinds: Record<string, () => SlugStore | null> = { 'a folder': () => null, 'a bucket': () => aBucket() }
  for (const [kind, bucket] of Object.entries(kinds)) {
    describe(`in ${kind}`, () => {
      it('gives back what was put in, whole or from the middle on, until it is removed', async () => {
        const layers = await open(bucket())
        const bytes = bytesOf(100_000)
        const digest = digestOf(bytes)
        assert.equal(await layers.size(digest), null)
        await layers.write(digest, Readable.from([bytes.subarray(0, 1000), bytes.subarray(1000)]))
        assert.equal(await layers.size(digest), bytes.length)
        assert.ok((await buffer(await layers.read(digest))).equals(bytes))
        assert.ok((await buffer(await layers.read(digest, 99_000))).equals(bytes.subarray(99_000)))
        assert.deepEqual(await listed(layers), { [digest]: bytes.length })
        await layers.remove(digest)
        assert.equal(await layers.size(digest), null)
        assert.deepEqual(await listed(layers), {})
      })

      it('S31: keeps nothing whose bytes are not those of the digest, and no half of what broke off', async () => {
        const layers = await open(bucket())
        const digest = digestOf(bytesOf(10))
        await assert.rejects(layers.write(digest, Readable.from([bytesOf(10)])), { code: 'LAYER_MISMATCH' })
        const broken = new Readable({ read() {} })
        broken.push(bytesOf(1000))
        setImmediate(() => broken.destroy(new Error('the builder died')))
        await assert.rejects(layers.write(digest, broken), /the builder died/)
        assert.deepEqual(await listed(layers), {})
        assert.deepEqual(await readdir(folder), [])
      })
    })
  }

  it('in a bucket takes large layers in parts', async () => {
    const layers = await open(aBucket())
    const bytes = bytesOf(40 * 1024 ** 2)
    await layers.write(digestOf(bytes), Readable.from([bytes]))
    assert.ok((await buffer(await layers.read(digestOf(bytes), 39 * 1024 ** 2))).equals(bytes.subarray(39 * 1024 ** 2)))
    assert.equal(await layers.size(digestOf(bytes)), bytes.length)
  })

  it('moves from the folder to the bucket when that is set, and is read from both meanwhile', async () => {
    const local = await openLayers(folder)
    const [one, two] = [bytesOf(1000), bytesOf(2000)]
    for (const bytes of [one, two]) await local.write(digestOf(bytes), Readable.from([bytes]))
    await writeFile(join(folder, 'note'), 'not a layer')
    const bucket = aBucket()
    const layers = await open(bucket)
    for (const bytes of [one, two]) assert.ok((await buffer(await layers.read(digestOf(bytes)))).equals(bytes))
    await waitFor(async () => (await readdir(folder)).length === 1, { timeoutMs: 20_000, what: 'the move' })
    assert.deepEqual(await listed(layers), { [digestOf(one)]: 1000, [digestOf(two)]: 2000 })
    assert.ok((await buffer(await layers.read(digestOf(two)))).equals(two))
  })

  describe('says at the start, in one sentence, that', () => {
    const refusal = (over: Partial<SlugStore>, message: RegExp) =>
      assert.rejects(open(aBucket(over)), { code: 'SLUG_STORE_NOT_USABLE', message })

    it('there is no such bucket', () =>
      refusal(
        { bucket: 'nowhere' },
        /^The slug store s3:\/\/nowhere\/test-\d+\/ at http.* there is no bucket "nowhere"/,
      ))

    it('its keys are not taken', async () => {
      process.env['AWS_ACCESS_KEY_ID'] = 'NOBODY'
      try {
        await refusal({}, /the keys are not taken.*set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY/)
      } finally {
        process.env['AWS_ACCESS_KEY_ID'] = 'S3RVER'
      }
    })

    it('nothing answers there', () => refusal({ endpoint: 'http://127.0.0.1:1' }, /cannot be used: .*ECONNREFUSED/))
  })
})
