import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { APP_UID } from '#core/domain/app.ts'
import type { Slug } from '#core/domain/slug.ts'
import { mountSlug, runBuild, type BuildOptions, type BuildOutcome } from '#test/helpers/builds.ts'
import { startTestHost, uidBaseOf, type TestHost } from '#test/helpers/sandboxes.ts'
import { tarOf, type TarEntry } from '#test/helpers/tar.ts'
import { commandLine } from '../../../agent/sandbox/process.ts'
import { openStreams } from '../../../agent/sandbox/streams.ts'
import { waitForSandbox } from '../../../agent/sandbox/index.ts'

const FIXTURES = join(import.meta.dirname, '../../fixtures/buildpacks')
const APP = 'a-built'

describe('A build with buildpacks of others, in its sandbox', function () {
  this.timeout(180_000)
  let world: TestHost
  let folder: string
  before(async () => {
    world = await startTestHost()
    folder = await mkdtemp(join(tmpdir(), 'berth-packs-'))
    await chmod(folder, 0o755)
  })
  after(async () => {
    await world?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  let builds = 0
  async function buildOf(entries: TarEntry[], options: Partial<BuildOptions> = {}): Promise<BuildOutcome> {
    const source = join(folder, `source-${++builds}.tar`)
    await writeFile(source, tarOf([{ name: 'README.md', content: 'hello' }, ...entries]))
    return runBuild(world, { source, app: APP, ...options })
  }

  async function scripted(name: string, compile: string): Promise<Partial<BuildOptions>> {
    const program = join(folder, name, 'bin/compile')
    await mkdir(dirname(program), { recursive: true })
    await writeFile(program, `#!/usr/bin/env bash\n${compile}\n`)
    await chmod(program, 0o755)
    return { settings: { buildpacks: [name] }, offered: { [name]: join(folder, name) } }
  }

  const both = {
    settings: { buildpacks: ['exports', 'profile'] },
    offered: { exports: join(FIXTURES, 'exports'), profile: join(FIXTURES, 'profile') },
    env: { NAME: 'Ada' },
  }

  /** A command of the app's, in a sandbox with its slug's layers. */
  async function runIn(slug: Slug, command: string) {
    return world.run(command, { app: APP, layers: await mountSlug(world, slug), env: { HOME: '/app' } })
  }

  it('its .profile.d is sourced before each command of the app, however it is entered', async () => {
    const { slug, error, log } = await buildOf([{ name: '.profile', content: 'export OWN="and $GREETED"' }], both)
    assert.ok(slug, `${error}\n${log}`)
    assert.match(log, /^ {7}config vars: NAME $/m)
    assert.match(log, /^ {7}NAME is a file with Ada, and in the environment nothing$/m)
    assert.match(log, /^ ! {5}GREETING is hello, with spaces$/m)
    assert.deepEqual(slug.processes, { web: 'profiled-tool', worker: 'profiled-tool' })
    assert.equal(slug.buildpack, 'exports, profile')
    assert.deepEqual(
      slug.layers.map(({ kind }) => kind),
      ['app'],
    )
    assert.deepEqual(await runIn(slug, 'profiled-tool'), { code: 0, output: 'tool: hello, with spaces' })
    assert.deepEqual(await runIn(slug, 'echo "$OWN"; exit 5'), { code: 5, output: 'and hello, with spaces' })
    assert.deepEqual(await runIn(slug, 'echo "[$1$*]"; false'), { code: 1, output: '[]' })

    const streams = await openStreams('pipes', world.host.runFolder, uidBaseOf(APP) + APP_UID)
    const layers = await mountSlug(world, slug)
    const argv = commandLine('cat; profiled-tool', 'pipes')
    const sandbox = await world.start('', { app: APP, layers, env: { HOME: '/app' }, argv, streams })
    const output = streams.outputs[0] ? text(streams.outputs[0]) : Promise.resolve('')
    streams.input.end('from the input\n')
    assert.equal(await waitForSandbox(world.host, sandbox, AbortSignal.timeout(60_000)), 0)
    assert.equal(await output, 'from the input\ntool: hello, with spaces\n')
    await world.remove(sandbox)
  })

  it('one that needs C has a compiler, make and headers, and what it compiled runs without them', async () => {
    const source =
      '#include <stdio.h>\n#include <zlib.h>\nint main(void) { printf("made with %s", zlibVersion()); return 0; }\n'
    const { slug, error, log } = await buildOf([{ name: 'hello.c', content: source }], {
      settings: { buildpacks: ['compiles'] },
      offered: { compiles: join(FIXTURES, 'compiles') },
      compilers: true,
    })
    assert.ok(slug, error + log)
    assert.match(log, /toolchain 14\.2 \(git and compilers.*\n[^]*-----> gcc /)
    const { output } = await runIn(slug, './hello; command -v gcc || echo " and no compiler"')
    assert.match(output, /made with 1\.\d+[^]*and no compiler/)
  })

  it('Node’s addons are compiled with the headers of their Node, which nobody has to fetch', async () => {
    const fixture = join(import.meta.dirname, '../../fixtures/apps/node-addon')
    const names = ['package.json', 'package-lock.json', 'binding.gyp', 'greeting.c', 'server.js']
    const files = names.map((name) => ({ name, content: readFileSync(join(fixture, name), 'utf8') }))
    const { slug, error, log } = await buildOf(files, { compilers: true })
    assert.ok(slug, error + log)
    assert.match(log, /toolchain 14\.2 \(binding\.gyp found; it is not there when the app runs\)/)
    assert.ok(slug.runtimes.every(({ name }) => name === 'node'))
    assert.match((await runIn(slug, 'grep -c "hello from C" build/Release/greeting.node')).output, /1/)
  })

  it('an app without a profile runs in the plain shell, with nothing between', async () => {
    const { slug, error } = await buildOf([{ name: 'Procfile', content: 'web: true' }])
    assert.ok(slug, error)
    assert.deepEqual(await runIn(slug, 'tr "\\0" " " < /proc/1/cmdline | cut -c-13; echo "$0 [$*]"'), {
      code: 0,
      output: '/usr/bin/tini\nsh []',
    })
  })

  it('an app.json reaches the slug and the report', async () => {
    const json = {
      env: { A: 'from app.json', S: { generator: 'secret' } },
      formation: { web: { quantity: 2 } },
      scripts: { postdeploy: 'true' },
      cron: [{ name: 'sync', command: 'true', schedule: '@hourly' }],
      healthchecks: { web: { path: '/up' } },
      buildpacks: [{ url: 'sees' }],
    }
    const sees = await scripted('sees', 'echo "A is $(cat $3/A), S is $(cat $3/S 2>/dev/null || echo not yet there)"')
    const entries = [
      { name: 'app.json', content: JSON.stringify(json) },
      { name: 'Procfile', content: 'web: true' },
    ]
    const { slug, manifest, log, error } = await buildOf(entries, { ...sees, settings: {} })
    assert.ok(slug, `${error}\n${log}`)
    assert.match(log, /A is from app\.json, S is not yet there/)
    assert.deepEqual(slug.health, { web: { kind: 'http', path: '/up', startTimeoutMs: 60_000 } })
    assert.deepEqual(
      slug.cron.map(({ name }) => name),
      ['sync'],
    )
    assert.deepEqual(manifest, {
      postdeploy: 'true',
      formation: { web: { quantity: 2, size: null } },
      env: { A: { value: 'from app.json' }, S: { generator: 'secret' } },
    })
  })

  it('a first build that lacks required config vars ends before anything is compiled', async () => {
    const entries = [
      { name: 'app.json', content: '{"env": {"STRIPE_KEY": {"description": "x"}, "OTHER": {}}}' },
      { name: 'Procfile', content: 'web: true' },
    ]
    const { error, log } = await buildOf(entries)
    assert.equal(error, 'Config vars that app.json requires are not set; the log names them.')
    assert.match(log, /not set: STRIPE_KEY, OTHER\. Set them and push again: berth config:set STRIPE_KEY=… OTHER=…/)
    assert.doesNotMatch(log, /Nothing to compile/)
    const { slug } = await buildOf(entries, { env: { STRIPE_KEY: 'x', OTHER: 'y' } })
    assert.ok(slug)
  })

  it('the root folder of a monorepo becomes the app; one that is not there is named with those that are', async () => {
    const entries = [
      { name: 'apps/web/Procfile', content: 'web: cat here' },
      { name: 'apps/web/here', content: 'web\n' },
      { name: 'apps/api/Procfile', content: 'web: true' },
      { name: 'link', type: 'link' as const, link: 'apps/web' },
    ]
    const { slug, log, error } = await buildOf(entries, { settings: { root: 'apps/web' } })
    assert.ok(slug, `${error}\n${log}`)
    assert.match(log, /^-----> The app is apps\/web\/; the rest of the repository is left out$/m)
    assert.deepEqual(await runIn(slug, 'ls -A; cat here'), { code: 0, output: 'Procfile\nhere\nweb' })
    const missing = await buildOf(entries, { settings: { root: 'apps/shop' } })
    assert.match(
      missing.log,
      /set to "apps\/shop", and the source has no such folder; in apps are the folders api, web\. Change it \(berth apps:set root=FOLDER\)/,
    )
    const linked = await buildOf(entries, { settings: { root: 'link' } })
    assert.match(linked.log, /set to "link", and there it has a file or a link/)
  })

  it('B01: a buildpack writes nowhere but to the build, and leaves nothing on the host', async () => {
    const writes = ['/usr/bin/x', '/etc/x', '/opt/x', '/berth/main.mjs', '/proc/sys/kernel/hostname', '/source.tar']
    const options = await scripted(
      'writer',
      `for f in ${writes.join(' ')}; do if echo x 2>/dev/null > $f; then echo "wrote $f"; fi; done; id -u; echo x > /tmp/berth-escaped; echo 'x' > "$1/made"`,
    )
    const { slug, log, error } = await buildOf([{ name: 'Procfile', content: 'web: true' }], options)
    assert.ok(slug, `${error}\n${log}`)
    assert.doesNotMatch(log, /wrote/)
    assert.match(log, /^ {7}1000$/m)
    assert.equal(existsSync('/tmp/berth-escaped'), false)
  })

  it('B02: one that never ends is ended with the build’s time', async () => {
    const { error } = await buildOf([], {
      ...(await scripted('endless', 'echo waiting; sleep 1000')),
      timeoutMs: 5_000,
    })
    assert.match(error, /The build took longer than 5 s and was stopped/)
  })

  it('S32: a build that puts a link where an offered buildpack goes is refused, and nothing is written through it', async () => {
    const target = join(folder, 'written-through')
    const source = join(folder, 'plants.sh')
    await writeFile(
      source,
      `mkdir /build/offered; ln -s ${target} /build/offered/exports.tar
echo '{"buildpack":"x","because":"x","runtimes":[],"dependencies":null,"offered":[{"name":"exports","ref":null}]}' > /build/plan.json`,
    )
    const hostile = join(import.meta.dirname, '../../fixtures/hostile-buildpack')
    const { error } = await runBuild(world, { source, buildpacks: hostile, offered: both.offered })
    assert.match(error, /EEXIST/)
    assert.equal(existsSync(target), false)
  })

  it('one that the operator does not offer any more is named', async () => {
    const { error } = await buildOf([], { settings: { buildpacks: ['gone'] } })
    assert.match(error, /The operator offers no buildpack gone/)
  })
})
