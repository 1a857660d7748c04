/** What becomes of code once it is built: stored in a bucket, shared, forked, moved as a file, rolled back to. */
import assert from 'node:assert/strict'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DeployView, SlugsView } from '#core/contract/api.ts'
import { waitFor, type World } from '#test/helpers/world.ts'
import type { Start } from '#test/helpers/shared-world.ts'

export const slugs = (start: Start): void =>
  void describe('The code of an app', function () {
    this.timeout(240_000)
    let world: World

    before(async function () {
      this.timeout(180_000)
      world = await start()
      await world.cli(['create', 'code'])
      for (const text of ['one', 'two', 'three']) {
        const { code, output } = await world.pushApp('code', 'static-site', { change: { 'page.html': text } })
        assert.equal(code, 0, output)
      }
    })
    const slugs = async (app: string) => (await world.api('GET', `/v1/apps/${app}/slugs`)).body as SlugsView
    const page = async (app: string) => (await world.http(app, '/page.html')).body
    const newestDeploy = async (app: string) =>
      ((await world.api('GET', `/v1/apps/${app}/deploys`)).body as { deploys: DeployView[] }).deploys[0]

    it('lies in the bucket, and on the hosts that run it, and is shown with its size', async () => {
      await waitFor(async () => (await slugs('code')).hosts.length > 0, {
        timeoutMs: 30_000,
        what: 'the host’s report',
      })
      const { layers, release, currentBytes } = await slugs('code')
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
      assert.match((await world.cli(['info', '-a', 'code'])).stdout, /^Slug: +\d/m)
    })

    it('is rolled back to without a build, also on a host that has to fetch it again', async () => {
      const first = (await slugs('code')).layers.at(-1)?.digest ?? ''
      // As after a long time, when others were used more recently.
      await rm(join(world.home, 'agent/layers', `${first}.squashfs`), { force: true })
      await world.cli(['rollback', 'v1', '-a', 'code'])
      assert.equal(await page('code'), 'one')
      const deploy = await newestDeploy('code')
      const { stdout } = await world.cli(['deploys:log', deploy?.id ?? '', '-a', 'code'])
      assert.doesNotMatch(stdout, /Building|Slug:/)
      assert.deepEqual((await slugs('code')).layers[0]?.releases, [4, 1])
    })

    it('is copied to a fork, which runs it under its own user', async () => {
      await world.cli(['config:set', 'COLOUR=blue', '-a', 'code'])
      const { stdout } = await world.cli(['fork', 'code', 'code-fork'])
      assert.match(stdout, /Unpacking a ready slug of 1 layer/)
      assert.equal(await page('code-fork'), 'one')
      assert.equal((await world.cli(['config:get', 'COLOUR', '-a', 'code-fork'])).stdout.trim(), 'blue')
    })

    it('is saved as a file, alone or with all of the app, and runs from it', async () => {
      await world.cli(['slugs:download', 'v2', '-a', 'code', '--output', 'two.slug'])
      await world.cli(['slugs:deploy', 'two.slug', '-a', 'code-fork'])
      assert.equal(await page('code-fork'), 'two')
      await world.cli(['apps:export', '-a', 'code', '--passphrase-file', '-'], { input: 'correct horse battery' })
      await world.cli(['apps:import', 'code.berth', '--as', 'code-again', '--passphrase-file', '-'], {
        input: 'correct horse battery',
      })
      assert.equal(await page('code-again'), 'one')
      assert.equal((await world.cli(['config:get', 'COLOUR', '-a', 'code-again'])).stdout.trim(), 'blue')
      assert.ok(!(await readFile(join(world.home, 'code.berth'))).includes('blue'))
    })
  })
