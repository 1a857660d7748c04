/** Real apps with their dependencies from the registry, by the package manager that locked them, and then asked. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fixtureFolder } from '#test/helpers/world.ts'
import { buildApp, type BuiltApp } from '#test/helpers/built-app.ts'

describe('A Node app built by its own package manager', function () {
  // Programs of 100 MB may come from the registry first.
  this.timeout(300_000)

  let app: BuiltApp | null = null
  afterEach(async () => {
    await app?.build.remove()
    app = null
  })

  async function built(...of: Parameters<typeof buildApp>): Promise<BuiltApp> {
    app = await buildApp(...of)
    return app
  }
  const has = (path: string) => existsSync(join(app?.build.app ?? '', path))
  const lockfile = (fixture: string, name: string) => readFile(join(fixtureFolder(fixture), name), 'utf8')

  it('runs with pnpm’s linked packages, without those of development', async () => {
    const { output, plan, ask } = await built('ms-pnpm')
    assert.match(output, /pnpm install --frozen-lockfile --prod/)
    assert.match(plan.dependencies?.key ?? '', /^[0-9a-f]{64}$/)
    assert.ok(has('node_modules/.pnpm') && !has('node_modules/mime') && !has('node_modules/.modules.yaml'))
    assert.equal((await ask('/'))[0]?.body, 'pnpm 1m')
  })

  it('runs with Yarn 1, as yarn.lock says', async () => {
    const { plan, ask } = await built('ms-yarn')
    assert.deepEqual(plan.runtimes.at(-1), {
      name: 'yarn',
      range: '1.x',
      reason: 'yarn.lock was made by such a version',
    })
    assert.equal(has('node_modules/mime'), false)
    assert.equal((await ask('/'))[0]?.body, 'yarn 1m')
  })

  it('runs with Yarn 4, laid out in node_modules', async () => {
    const { output, ask } = await built('ms-berry')
    assert.match(output, /yarn install --immutable/)
    assert.match(output, /yarn workspaces focus --all --production/)
    assert.ok(has('node_modules/ms') && !has('node_modules/mime') && !has('.pnp.cjs'))
    assert.equal((await ask('/'))[0]?.body, 'berry 1m')
  })

  it('runs with Bun, on Bun', async () => {
    const { plan, release, ask } = await built('hono-bun')
    assert.equal(plan.buildpack, 'bun')
    assert.deepEqual(release.processes, { web: 'bun run index.ts' })
    assert.match((await ask('/'))[0]?.body ?? '', /"hello":"bun"/)
  })

  it('runs on Deno, with its modules fetched ahead', async () => {
    const { output, plan, ask } = await built('hono-deno')
    assert.match(output, /deno install --frozen --entrypoint main\.ts/)
    assert.deepEqual(plan.dependencies?.paths, ['.berth/deno'])
    assert.match((await ask('/'))[0]?.body ?? '', /"hello":"deno"/)
  })

  it('that is a site built by Vite is served, its one page for every address, and keeps no packages', async () => {
    const { output, release, ask } = await built('vite-site')
    assert.match(output, /-----> Building \(npm run build\)/)
    assert.deepEqual(release.processes, { web: 'node .berth/static/server.mjs dist' })
    assert.equal(has('node_modules'), false)
    const [page, deep, asset] = await ask('/', '/deep/link', '/assets/gone.js')
    assert.match(page?.body ?? '', /A Vite site/)
    assert.equal(deep?.body, page?.body)
    assert.equal(asset?.status, 404)
  })

  it('that is a part of its repository’s workspace is built after what it needs, and runs in its folder', async () => {
    const { output, plan, release, ask } = await built('workspace', {}, { BERTH_APP_ROOT: 'apps/web' })
    assert.match(output, /The app is apps\/web\/, a part of the repository's workspace/)
    assert.match(output, /-----> Building packages\/greeting \(npm run build\)/)
    assert.deepEqual(plan.dependencies?.paths, [
      'node_modules',
      'apps/web/node_modules',
      'packages/greeting/node_modules',
    ])
    assert.deepEqual(release.processes, {
      web: `cd 'apps/web' && PATH="$PWD/node_modules/.bin:$PATH" && exec node server.js`,
    })
    assert.equal(has('node_modules/mime'), false)
    assert.equal((await ask('/'))[0]?.body, 'hello workspace for 1m')
  })

  it('is refused in one sentence when the lockfile is another app’s, whoever reads it', async () => {
    const cases = [
      { name: 'package-lock.json', text: await lockfile('express', 'package-lock.json'), command: 'npm ci', files: {} },
      {
        name: 'pnpm-lock.yaml',
        text: await lockfile('ms-pnpm', 'pnpm-lock.yaml'),
        command: 'pnpm install',
        files: {},
      },
      { name: 'yarn.lock', text: await lockfile('ms-yarn', 'yarn.lock'), command: 'yarn install', files: {} },
      { name: 'yarn.lock', text: await lockfile('ms-berry', 'yarn.lock'), command: 'yarn install', files: {} },
      { name: 'bun.lock', text: await lockfile('hono-bun', 'bun.lock'), command: 'bun install', files: {} },
    ]
    for (const { name, text, command } of cases) {
      const json = { scripts: { start: 'node x.js' }, dependencies: { 'left-pad': '1.3.0' } }
      const refused = (error: Error) => {
        assert.match(error.message, new RegExp(`^ ! {5}"${command} .*failed with exit code 1`, 'm'))
        assert.match(
          error.message,
          new RegExp(`asks for left-pad 1\\.3\\.0, and ${RegExp.escape(name)} has no left-pad: run`),
        )
        return true
      }
      await assert.rejects(built(null, { 'package.json': JSON.stringify(json), [name]: text }), refused)
    }
  })
})
