import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildPlan, buildRelease } from '#core/contract/buildpack.ts'
import { parse } from '#core/contract/schema.ts'
import { openFolder } from '#buildpacks/folder.ts'
import { newBuild, type BuildRun } from '#test/helpers/buildpack-run.ts'

const packageJson = (json: object) => ({ 'package.json': JSON.stringify(json) })

describe('A build', function () {
  // Real processes, on a machine that may be busy.
  this.timeout(30_000)

  let build: BuildRun
  beforeEach(async () => {
    build = await newBuild()
  })
  afterEach(() => build.remove())

  const plan = async () => parse(buildPlan, await build.result('plan.json'))
  const release = async () => {
    const { processes, env } = parse(buildRelease, await build.result('release.json'))
    return { processes, env }
  }

  async function detected(fixture: string | null, files: Record<string, string> = {}): Promise<string> {
    await build.source(fixture, files)
    const { code, output } = await build.phase('detect')
    assert.equal(code, 0, output)
    return output
  }
  async function compiled(env: Record<string, string> = {}): Promise<string> {
    const { code, output } = await build.phase('compile', env)
    assert.equal(code, 0, output)
    return output
  }
  async function refused(fixture: string | null, files: Record<string, string> = {}) {
    await build.source(fixture, files)
    return build.phase('detect')
  }

  it('installs an Express app exactly as its lockfile says, and tells the pusher each phase', async function () {
    this.timeout(120_000)
    await build.source('express')
    const detecting = await build.program('detect')
    assert.equal(detecting.code, 0, detecting.output)
    assert.match(detecting.output, /^-----> Express\/Node\.js app detected: package\.json found$/m)
    const { buildpack, runtimes, dependencies } = await plan()
    assert.equal(buildpack, 'node')
    assert.deepEqual(
      runtimes.map(({ name, range }) => `${name} ${range}`),
      ['node 24.x', 'npm 10.x'],
    )
    assert.deepEqual(dependencies?.paths, ['node_modules'])

    const { code, output } = await build.program('compile')
    assert.equal(code, 0, output)
    assert.match(output, /^-----> Installing dependencies \(npm ci --omit=dev\)$/m)
    assert.match(output, /^ {7}added \d+ packages/m)
    assert.match(output, /^ {7}done in [\d.]+ s$/m)
    assert.ok(existsSync(join(build.app, 'node_modules/express/package.json')))
    const { processes, env } = await release()
    assert.deepEqual([processes, env], [{ web: 'node server.js' }, { NODE_ENV: 'production' }])
  })

  it('installs nothing when the dependencies of an earlier build are in place', async () => {
    await detected('express')
    const output = await compiled({ BERTH_DEPENDENCIES: 'reused' })
    assert.match(output, /Dependencies are those of the build before/)
    assert.equal(existsSync(join(build.app, 'node_modules')), false)
  })

  it('says what npm ci said when the lockfile does not fit, and names the command', async function () {
    this.timeout(60_000)
    await detected('failing-npm-ci')
    const { code, output } = await build.phase('compile')
    assert.equal(code, 13, output)
    assert.match(output, /^ {7}npm .*package-lock\.json/m)
    assert.match(output, /^ ! {5}"npm ci --omit=dev" failed with exit code 1\./m)
  })

  it('runs the build script with config vars, the app’s Node and npm on PATH', async function () {
    this.timeout(60_000)
    const script = `
      const { execFileSync } = require('node:child_process')
      require('node:fs').writeFileSync('server.js', '')
      console.log('colour', process.env.COLOUR, process.env.NODE_ENV)
      console.log('npm', execFileSync('npm', ['--version']).toString())`
    await detected(null, { ...packageJson({ scripts: { build: 'node build.js' } }), 'build.js': script })
    assert.equal((await plan()).dependencies, null)
    const output = await compiled({ COLOUR: 'blue' })
    assert.match(output, /^-----> Building \(npm run build\)$/m)
    assert.match(output, /^ {7}colour blue production$/m)
    assert.match(output, /^ {7}npm \d+\.\d+\.\d+$/m)
    assert.deepEqual((await release()).processes, { web: 'node server.js' })
  })

  it('names the command and the exit code of a build script that fails', async function () {
    this.timeout(60_000)
    const scripts = { build: 'echo half way; exit 3', start: 'node x.js' }
    await detected(null, packageJson({ scripts }))
    const { code, output } = await build.phase('compile')
    assert.equal(code, 13, output)
    assert.match(output, /^ {7}half way$/m)
    assert.match(output, /"npm run build" failed with exit code 3/)
    assert.equal(existsSync(join(build.app, '../build/release.json')), false)
  })

  it('does not wait for a program that a build script left in the background', async function () {
    this.timeout(20_000)
    const scripts = { build: 'sleep 17 & echo left', start: 'node x.js' }
    await detected(null, packageJson({ scripts }))
    const began = performance.now()
    assert.match(await compiled(), /left/)
    assert.ok(performance.now() - began < 15_000)
  })

  it('says that the disk was full', async function () {
    this.timeout(60_000)
    await detected('fills-disk')
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', build.app])
    try {
      await build.phase('detect')
      const { code, output } = await build.phase('compile')
      assert.equal(code, 13, output)
      assert.match(output, /"npm run build" failed with exit code \d+: it ran out of disk space \(ENOSPC\)/)
    } finally {
      execFileSync('umount', [build.app])
    }
  })

  it('leaves a static site with a server of its own', async () => {
    assert.match(await detected('static-site'), /Static site detected: index\.html found/)
    await compiled()
    assert.deepEqual((await release()).processes, { web: 'node .berth/static/server.mjs .' })
    assert.ok(existsSync(join(build.app, '.berth/static/server.mjs')))
  })

  it('takes a Python app’s processes from its Procfile', async () => {
    assert.match(await detected('python-stdlib'), /Python app detected: server\.py found/)
    assert.match(await compiled(), /Using Python 3\.\d+\.\d+ of the stack/)
    const { processes, env } = await release()
    assert.deepEqual(processes, { web: 'python3 server.py', worker: 'python3 worker.py' })
    assert.equal(env['PYTHONUNBUFFERED'], '1')
  })

  it('runs whatever a Procfile names, and keeps programs executable', async () => {
    assert.match(await detected('binary'), /Procfile app detected/)
    await compiled()
    assert.deepEqual((await release()).processes, { web: './serve' })
    assert.doesNotThrow(() => execFileSync('test', ['-x', join(build.app, 'serve')]))
  })

  it('accepts every fixture but the one without a language', async () => {
    for (const fixture of await readdir(join(import.meta.dirname, '../../fixtures/apps'))) {
      const each = await newBuild()
      try {
        await each.source(fixture)
        assert.equal((await each.phase('detect')).code, fixture === 'no-language' ? 10 : 0, fixture)
      } finally {
        await each.remove()
      }
    }
  }).timeout(240_000)

  it('tells what each buildpack looked for when none accepts', async () => {
    await build.source('no-language')
    const { code, output } = await build.program('detect')
    assert.equal(code, 10)
    for (const name of ['node', 'python', 'ruby', 'php', 'static', 'procfile'])
      assert.match(output, new RegExp(`^ ! {5}${name}: looked for .*, found none$`, 'm'))
    assert.match(output, /No buildpack accepts this source/)
  })

  it('says that a commit holds no files', async () => {
    const { code, output } = await refused(null)
    assert.equal(code, 11)
    assert.match(output, /The commit holds no files/)
  })

  it('names what is wrong with a file, and never crashes on it', async () => {
    const files: [Record<string, string>, RegExp][] = [
      [{ 'package.json': '{"name": "x",}' }, /package\.json is not valid JSON/],
      [{ 'package.json': '"text"' }, /must hold a JSON object/],
      [{ 'package.json': ' '.repeat(1024 * 1024 + 1) }, /package\.json has 1048577 bytes/],
      [{ 'package.json/x': '' }, /package\.json is not a plain file/],
      [{ ...packageJson({}), Procfile: 'web' }, /Procfile line 1/],
      [{ Procfile: '# later\n' }, /The Procfile names no process/],
    ]
    for (const [content, message] of files) {
      const each = await newBuild()
      try {
        await each.source(null, content)
        const { code, output } = await each.phase('detect')
        assert.equal(code, 12, output)
        assert.match(output, message)
      } finally {
        await each.remove()
      }
    }
  }).timeout(120_000)

  it('leaves out what .slugignore names', async () => {
    const output = await detected('node-plain', {
      '.slugignore': 'docs/\n*.psd\n',
      'docs/a.md': '',
      'x/b.psd': '',
      'x/c.js': '',
    })
    assert.match(output, /Left out 2 files and folders/)
    assert.deepEqual((await readdir(build.app, { recursive: true })).sort(), [
      '.slugignore',
      'package.json',
      'server.js',
      'x',
      'x/c.js',
    ])
  })
})

describe('Reading the app’s folder', () => {
  let build: BuildRun
  beforeEach(async () => {
    build = await newBuild()
    await mkdir(build.app)
  })
  afterEach(() => build.remove())

  it('does not wait for a FIFO, read a device or follow a link in a circle', async () => {
    const app = openFolder(build.app)
    execFileSync('mkfifo', [join(build.app, 'fifo')])
    await symlink('/dev/zero', join(build.app, 'zero'))
    await symlink('circle', join(build.app, 'circle'))
    for (const name of ['fifo', 'zero', 'circle'])
      await assert.rejects(app.read(name, 1024), { name: 'BuildFailure', exitCode: 12 }, name)
    assert.equal(await app.has('fifo'), false)
  })

  it('leaves a byte order mark out', async () => {
    await writeFile(join(build.app, 'x.json'), '\uFEFF{}')
    assert.equal(await openFolder(build.app).read('x.json', 1024), '{}')
  })
})
