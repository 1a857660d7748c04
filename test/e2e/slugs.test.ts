/** What becomes of code once it is built: stored in a bucket, shared, forked, moved as a file, rolled back to. */
import assert from 'node:assert/strict'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DeployView, SlugsView } from '#core/contract/api.ts'
import { startS3, type TestS3 } from '#test/helpers/s3.ts'
import { startWorld, waitFor, type World } from '#test/helpers/world.ts'

describe('The code of an app', function () {
  this.timeout(240_000)
  let s3: TestS3
  let world: World

  before(async function () {
    this.timeout(180_000)
    s3 = await startS3('slugs')
    world = await startWorld({
      env: {
        BERTH_SLUG_STORE: 's3://slugs/e2e',
        BERTH_SLUG_STORE_ENDPOINT: s3.endpoint,
        AWS_ACCESS_KEY_ID: 'S3RVER',
        AWS_SECRET_ACCESS_KEY: 'S3RVER',
        BERTH_LAYER_CACHE_MB: '0',
      },
    })
    await world.cli(['create', 'shop'])
    for (const text of ['one', 'two', 'three']) {
      const { code, output } = await world.pushApp('shop', 'static-site', { change: { 'page.html': text } })
      assert.equal(code, 0, output)
    }
  })
  after(async function () {
    this.timeout(60_000)
    await world?.stop()
    await s3?.stop()
  })

  const slugs = async (app: string) => (await world.api('GET', `/v1/apps/${app}/slugs`)).body as SlugsView
  const page = async (app: string) => (await world.http(app, '/page.html')).body
  const newestDeploy = async (app: string) =>
    ((await world.api('GET', `/v1/apps/${app}/deploys`)).body as { deploys: DeployView[] }).deploys[0]

  it('lies in the bucket, and on the hosts that run it, and is shown with its size', async () => {
    await waitFor(async () => (await slugs('shop')).hosts.length > 0, { timeoutMs: 30_000, what: 'the host’s report' })
    const { layers, release, currentBytes } = await slugs('shop')
    assert.equal(release, 3)
    assert.deepEqual(
      layers.map(({ kind, releases }) => [kind, releases]),
      [
        ['app', [3]],
        ['app', [2]],
        ['app', [1]],
      ],
    )
    assert.equal(currentBytes, layers[0]?.bytes)
    assert.match((await world.cli(['info', '-a', 'shop'])).stdout, /^Slug: +\d/m)
  })

  it('is rolled back to without a build, also on a host that has to fetch it again', async () => {
    const first = (await slugs('shop')).layers.at(-1)?.digest ?? ''
    // As after a long time, when others were used more recently.
    await rm(join(world.home, 'agent/layers', `${first}.squashfs`), { force: true })
    await world.cli(['rollback', 'v1', '-a', 'shop'])
    assert.equal(await page('shop'), 'one')
    const deploy = await newestDeploy('shop')
    const { stdout } = await world.cli(['deploys:log', deploy?.id ?? '', '-a', 'shop'])
    assert.doesNotMatch(stdout, /Building|Slug:/)
    assert.deepEqual((await slugs('shop')).layers[0]?.releases, [4, 1])
  })

  it('is copied to a fork, which runs it under its own user', async () => {
    await world.cli(['config:set', 'COLOUR=blue', '-a', 'shop'])
    const { stdout } = await world.cli(['fork', 'shop', 'shop-fork'])
    assert.match(stdout, /Unpacking a ready slug of 1 layer/)
    assert.equal(await page('shop-fork'), 'one')
    assert.equal((await world.cli(['config:get', 'COLOUR', '-a', 'shop-fork'])).stdout.trim(), 'blue')
  })

  it('is saved as a file, alone or with all of the app, and runs from it', async () => {
    await world.cli(['slugs:download', 'v2', '-a', 'shop', '--output', 'two.slug'])
    await world.cli(['slugs:deploy', 'two.slug', '-a', 'shop-fork'])
    assert.equal(await page('shop-fork'), 'two')
    await world.cli(['apps:export', '-a', 'shop', '--passphrase-file', '-'], { input: 'correct horse battery' })
    await world.cli(['apps:import', 'shop.berth', '--as', 'shop-again', '--passphrase-file', '-'], {
      input: 'correct horse battery',
    })
    assert.equal(await page('shop-again'), 'one')
    assert.equal((await world.cli(['config:get', 'COLOUR', '-a', 'shop-again'])).stdout.trim(), 'blue')
    assert.ok(!(await readFile(join(world.home, 'shop.berth'))).includes('blue'))
  })
})
