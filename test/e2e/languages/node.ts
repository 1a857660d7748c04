import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { readConfig } from '#core/runtime/config.ts'
import { type World } from '#test/helpers/world.ts'
import type { Start } from '#test/helpers/shared-world.ts'

const majors = ['20', '22', '26']
const app = (major: string) => ({
  'package.json': JSON.stringify({ engines: { node: `${major}.x` }, scripts: { start: 'node server.js' } }),
  'server.js': `require('node:http').createServer((_, response) => response.end(process.version)).listen(process.env.PORT)`,
})

export const node = (start: Start): void =>
  void describe('Apps on JavaScript’s runtimes, pushed', () => {
    let world: World
    before(async function () {
      this.timeout(180_000)
      world = await start()
    })

    async function pushed(name: string, fixture: string | null, change: Record<string, string> = {}): Promise<string> {
      await world.cli(['create', name])
      const { code, output } = await world.pushApp(name, fixture, { change })
      assert.equal(code, 0, output)
      return output
    }
    const answer = async (name: string, path = '/') => (await world.http(name, path)).body

    it('run on Node 20, 22 and 26 side by side, each from one copy in the host’s store', async function () {
      this.timeout(300_000)
      for (const major of majors) await pushed(`node${major}`, null, app(major))
      for (const major of majors) assert.match(await answer(`node${major}`), new RegExp(`^v${major}\\.`))
      const store = await readdir(join(readConfig({ BERTH_HOME: world.home }).cache, 'runtimes'))
      for (const major of majors)
        assert.ok(
          store.some((name) => name.startsWith(`node@${major}.`)),
          store.join(' '),
        )
    })

    it('run with what pnpm linked, and a push that leaves the dependencies alone installs nothing', async function () {
      this.timeout(300_000)
      await pushed('pnpm', 'fastify-pnpm')
      assert.match(await answer('pnpm'), /"hello":"pnpm"/)
      const { code, output } = await world.pushApp('pnpm', 'fastify-pnpm', { change: { 'note.txt': 'changed' } })
      assert.equal(code, 0, output)
      assert.match(output, /Dependencies are those of the build before: nothing to install/)
      assert.match(await answer('pnpm'), /"hello":"pnpm"/)
    })

    it('run on Bun and on Deno', async function () {
      this.timeout(300_000)
      await pushed('bun', 'hono-bun')
      assert.match(await answer('bun'), /"hello":"bun"/)
      await pushed('deno', 'hono-deno')
      assert.match(await answer('deno'), /"hello":"deno"/)
      const { output } = await world.pushApp('deno', 'hono-deno', { change: { 'note.txt': 'changed' } })
      assert.match(output, /Modules are those of the build before: nothing to fetch/)
      assert.match(await answer('deno'), /"hello":"deno"/)
    })

    it('are sites that a build leaves, served without the packages that built them', async function () {
      this.timeout(300_000)
      const output = await pushed('site', 'vite-site')
      assert.match(output, /Serving the folder dist\//)
      assert.match(await answer('site', '/any/address'), /A Vite site/)
    })

    it('that ask for a version which is not published are told the nearest ones', async function () {
      this.timeout(120_000)
      await world.cli(['create', 'far'])
      const { code, output } = await world.pushApp('far', null, { change: app('23.99') })
      assert.notEqual(code, 0)
      assert.match(
        output,
        /No published version of node satisfies "23\.99\.x"\. The nearest are 24\.\d+\.\d+, 23\.\d+\.\d+, 22\.\d+\.\d+/,
      )
    })
  })
