import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ReleaseView, SlugsView } from '#core/contract/api.ts'
import type { App } from '#core/domain/app.ts'
import type { AppName, DeployId, HostId, LayerDigest } from '#core/domain/ids.ts'
import { END_BYTES, entryHeader, layerEntry, MANIFEST, paddingOf } from '#core/domain/slug-file.ts'
import { findApp } from '#core/store/apps.ts'
import { heartbeat } from '#core/store/hosts.ts'
import { reportLayers, saveCollected } from '#core/store/layers.ts'
import { aHost } from '#test/helpers/cluster.ts'
import { liveRelease, storedLayer } from '#test/helpers/releases.ts'
import { giveBuild } from '#test/helpers/agents.ts'
import { startApi, type Answer, type TestApi } from '../../../helpers/api.ts'

describe('the API of slugs', function () {
  this.timeout(30_000)
  let api: TestApi
  let apps = 0

  before(async () => {
    api = await startApi()
  })
  after(() => api.stop())
  beforeEach(() => {
    api.submitted.length = 0
  })

  async function newApp(token = api.operator): Promise<App> {
    const name = `app${++apps}`
    await api.call(token, 'POST', '/v1/apps', { name })
    return (await findApp(api.context.store, name as AppName)) as App
  }

  const path = (app: App, rest: string) => `/v1/apps/${app.name}/${rest}`
  const aLayer = (kind: 'app' | 'dependencies' = 'app') => storedLayer(api.context, randomBytes(5000), kind)

  async function download(app: App, release: string): Promise<Buffer> {
    const response = await fetch(api.url + path(app, `slugs/${release}/file`), {
      headers: { authorization: `Bearer ${api.operator}` },
    })
    assert.equal(response.status, 200)
    const bytes = Buffer.from(await response.arrayBuffer())
    assert.equal(Number(response.headers.get('content-length')), bytes.length)
    return bytes
  }

  async function upload(app: App, file: Uint8Array, type = 'application/x-tar', token = api.operator): Promise<Answer> {
    const response = await fetch(api.url + path(app, 'slugs/file'), {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': type },
      body: Buffer.from(file),
    })
    return { status: response.status, body: await response.json(), headers: response.headers }
  }

  it('tells what an app’s code takes, each layer once, and where it is, and names neighbours of the same tenant only', async () => {
    const [alpha, beta] = [await api.member('alpha'), await api.member('beta')]
    const [one, two, stranger] = [await newApp(alpha), await newApp(alpha), await newApp(beta)]
    const deps = await aLayer('dependencies')
    const [first, second] = [await aLayer(), await aLayer()]
    await liveRelease(api.context, one, [deps, first])
    await liveRelease(api.context, one, [deps, second])
    await liveRelease(api.context, two, [deps])
    await liveRelease(api.context, stranger, [deps, second])
    await heartbeat(api.context.store, aHost('h-one'))
    await reportLayers(api.context.store, 'h-one' as HostId, { [deps.digest]: 5000, ['0'.repeat(64)]: 7 })
    const { body } = await api.call(alpha, 'GET', path(one, 'slugs'))
    assert.deepEqual(body, {
      app: one.name,
      release: 2,
      bytes: 15_000,
      currentBytes: 10_000,
      layers: [
        { ...deps, releases: [2, 1], sharedWith: [two.name], hosts: ['h-one'] },
        { ...second, releases: [2], sharedWith: [], hosts: [] },
        { ...first, releases: [1], sharedWith: [], hosts: [] },
      ],
      hosts: [{ host: 'h-one', bytes: 5000 }],
      collected: [],
    } satisfies SlugsView)
  })

  it('refuses a rollback to a release whose code is gone, and names the oldest that is there', async () => {
    const app = await newApp()
    for (let n = 0; n < 4; n++) await liveRelease(api.context, app, [await aLayer()])
    await saveCollected(api.context.store, app.id, [1, 2])
    const { status, body } = await api.call(api.operator, 'POST', path(app, 'rollback'), { release: 2 })
    assert.deepEqual([status, body.code, body.oldest], [409, 'RELEASE_CODE_GONE', 3])
    assert.match(
      String(body.detail),
      /^v2 cannot be rolled back to: its code is not kept any more.*oldest to go back to is v3/,
    )
    assert.equal((await api.call(api.operator, 'POST', path(app, 'rollback'))).status, 202)
    const listed = await api.call(api.operator, 'GET', path(app, 'releases'))
    const { releases } = listed.body as { releases: ReleaseView[] }
    assert.deepEqual(
      releases.map(({ codeGone }) => codeGone),
      [false, false, true, true],
    )
    await saveCollected(api.context.store, app.id, [1, 2, 3])
    assert.match(
      String((await api.call(api.operator, 'POST', path(app, 'rollback'))).body.detail),
      /There is none to go back to/,
    )
    assert.equal((await api.call(api.operator, 'GET', path(app, 'slugs/v1/file'))).body.code, 'RELEASE_CODE_GONE')
  })

  it('gives a slug as a file that another app takes, as a deploy whose source it is', async () => {
    const [from, to] = [await newApp(), await newApp()]
    await liveRelease(api.context, from, [await aLayer('dependencies'), await aLayer()], { env: { A: 'b' } })
    const file = await download(from, 'current')
    assert.deepEqual(await download(from, 'v1'), file)
    const { status, body } = await upload(to, file)
    assert.equal(status, 202, JSON.stringify(body))
    const [request] = api.submitted
    assert.deepEqual(
      [request?.kind, request?.app.id, request?.description, request?.commit],
      ['slug', to.id, `Deploy a slug of ${from.name} v1`, 'c0ffee'],
    )
    const id = body.deploy.id as DeployId
    assert.equal(await api.context.sources.size(id), file.length)
    await giveBuild(api.context, 'host-a', id)
    const spec = await (await api.agentOf('host-a')).call('GET', `/internal/deploys/${id}/build`)
    assert.deepEqual(spec.body.ready.env, { A: 'b' })
  })

  it('copies the slug of one app to another that the caller may reach, and of no other', async () => {
    const [alpha, beta] = [await api.member('gamma'), await api.member('delta')]
    const [from, to, stranger] = [await newApp(alpha), await newApp(alpha), await newApp(beta)]
    await liveRelease(api.context, from, [await aLayer()])
    assert.equal((await api.call(alpha, 'POST', path(to, 'slugs/adopt'), { from: from.name })).status, 202)
    assert.equal(api.submitted[0]?.description, `Deploy the slug of ${from.name} v1`)
    assert.equal((await api.call(beta, 'POST', path(stranger, 'slugs/adopt'), { from: from.name })).status, 404)
    assert.equal((await api.call(alpha, 'POST', path(to, 'slugs/adopt'), { from: to.name })).body.code, 'NO_RELEASE')
  })

  describe('refuses a file', () => {
    let app: App
    let file: Buffer
    before(async () => {
      app = await newApp()
      await liveRelease(api.context, app, [await aLayer(), await aLayer()])
      file = await download(app, 'current')
    })

    const refused = async (content: Uint8Array, message: RegExp) => {
      const before = await readdir(join(api.home, 'sources'))
      const { status, body } = await upload(app, content)
      assert.deepEqual([status, body.code], [422, 'SLUG_FILE_REFUSED'], JSON.stringify(body))
      assert.match(String(body.detail), message)
      assert.deepEqual(api.submitted, [])
      assert.deepEqual(await readdir(join(api.home, 'sources')), before)
    }
    const entry = (name: string, content: string) =>
      Buffer.concat([
        entryHeader({ name, bytes: content.length, time: 0 }),
        Buffer.from(content),
        new Uint8Array(paddingOf(content.length)),
      ])
    const end = new Uint8Array(END_BYTES)

    it('S31: with other bytes in a layer than its name says', async () => {
      const changed = Buffer.from(file)
      const at = file.length - END_BYTES - 600
      changed[at] = (changed[at] ?? 0) ^ 1
      await refused(changed, /the bytes of the layer [0-9a-f]{64} have the checksum/)
    })

    it('that breaks off, at whatever place', async () => {
      for (const bytes of [100, 700, file.length - 7000, file.length - END_BYTES])
        await refused(file.subarray(0, bytes), /it breaks off before its end/)
    })

    it('without a layer that its manifest names, and with one that it does not name', async () => {
      const layersAt = file.indexOf('layers/') // The text of the manifest names none.
      await refused(Buffer.concat([file.subarray(0, layersAt), end]), /the layer [0-9a-f]{64} is missing/)
      const whole = file.subarray(0, file.length - END_BYTES)
      const more = entry(layerEntry('a'.repeat(64) as LayerDigest), 'x')
      await refused(Buffer.concat([whole, more, end]), /comes where the manifest has nothing more/)
    })

    it('whose manifest is not first, not JSON or not in its shape, naming the field', async () => {
      await refused(
        entry(layerEntry('a'.repeat(64) as LayerDigest), 'x'),
        /it begins with layers\/a+\.squashfs instead of/,
      )
      await refused(Buffer.concat([entry(MANIFEST, '{'), end]), /its manifest\.json is not JSON/)
      await refused(Buffer.concat([entry(MANIFEST, '{"format":"berth-slug","version":2}'), end]), /version: must be 1/)
      await refused(end, /it is empty/)
    })

    it('that is no archive, or is called something else', async () => {
      await refused(randomBytes(2000), /it is not a tar archive/)
      assert.equal((await upload(app, file, 'application/octet-stream')).status, 415)
    })
  })
})
