import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { buildPlan, buildRelease } from '#core/contract/buildpack.ts'
import { parse } from '#core/contract/schema.ts'
import { newBuild, type BuildRun } from '#test/helpers/buildpack-run.ts'
import { startGitServer, type GitServer } from '#test/helpers/git-server.ts'

const run = promisify(execFile)
const FIXTURES = join(import.meta.dirname, '../../fixtures/buildpacks')

describe('Buildpacks of others', function () {
  this.timeout(120_000)
  let build: BuildRun
  let folder: string
  beforeEach(async () => {
    build = await newBuild()
    folder = await mkdtemp(join(tmpdir(), 'berth-pack-'))
  })
  afterEach(async () => {
    await build.remove()
    await rm(folder, { recursive: true, force: true })
  })

  /** As the agent brings it, between the phases. */
  async function offer(name: string, source = join(FIXTURES, name)): Promise<void> {
    const offered = join(dirname(build.app), 'build', 'offered')
    await mkdir(offered, { recursive: true })
    await run('tar', ['-c', '-f', join(offered, `${name}.tar`), '-C', source, '.'])
  }

  /** A buildpack that is made of scripts. */
  async function made(name: string, files: Record<string, string>, mode = 0o755): Promise<void> {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name, path)), { recursive: true })
      await writeFile(join(folder, name, path), text)
      await chmod(join(folder, name, path), mode)
    }
    await offer(name, join(folder, name))
  }

  const settings = (buildpacks: string[], config: Record<string, string> = {}, more: Record<string, string> = {}) => ({
    BERTH_BUILDPACKS: JSON.stringify(buildpacks),
    BERTH_CONFIG_NAMES: Object.keys(config).join(' '),
    ...config,
    ...more,
  })
  const release = async () => parse(buildRelease, await build.result('release.json'))

  it('run in their order: each sees what the one before exported, and config vars as files', async () => {
    await build.source(null, { 'README.md': 'hello' })
    const env = settings(['exports', 'profile'], {
      NAME: 'Ada',
      BUILDPACK_CREDENTIALS: 'https://me:hunter2@example.com',
    })
    const detected = await build.phase('detect', env)
    assert.equal(detected.code, 0, detected.output)
    const plan = parse(buildPlan, await build.result('plan.json'))
    assert.deepEqual(plan.offered, [
      { name: 'exports', ref: null },
      { name: 'profile', ref: null },
    ])
    assert.deepEqual(
      plan.runtimes.map(({ name }) => name),
      ['toolchain'],
    )
    assert.equal(plan.dependencies, null)
    await offer('exports')
    await offer('profile')

    const { code, output } = await build.phase('compile', env)
    assert.equal(code, 0, output)
    assert.match(output, /^-----> Buildpack exports$/m)
    assert.match(output, /^-----> Exporter \(exports\)$/m)
    assert.match(output, /^-----> Exporting for heroku-24$/m)
    assert.match(output, /^ {7}config vars: NAME $/m)
    assert.match(output, /^ {7}NAME is a file with Ada, and in the environment nothing$/m)
    assert.match(output, /^ {7}run 1 with this cache$/m)
    assert.match(output, /^ ! {5}GREETING is hello, with spaces$/m)
    assert.match(output, /^ {7}said by a tool of the first buildpack$/m)
    assert.match(output, /^ {7}bin\/release names addons, which Berth leaves out$/m)
    assert.doesNotMatch(output, /hunter2/)
    const { processes, env: defaults } = await release()
    assert.deepEqual(processes, { web: 'profiled-tool', worker: 'profiled-tool' })
    assert.deepEqual(defaults, { FROM_FIRST: '3000' })
    assert.match(await readFile(join(build.app, '.profile.d/greet.sh'), 'utf8'), /hello, with spaces/)
  })

  it('keep their cache from build to build', async () => {
    await build.source(null, { Procfile: 'web: true' })
    for (const runs of [1, 2]) {
      await rm(join(dirname(build.app), 'build'), { recursive: true })
      await mkdir(join(dirname(build.app), 'build'))
      await build.phase('detect', settings(['exports']))
      await offer('exports')
      const { output } = await build.phase('compile', settings(['exports']))
      assert.match(output, new RegExp(`run ${runs} with this cache`), output)
    }
    assert.deepEqual((await release()).processes, { web: 'true' })
  })

  it('mix with Berth’s own; the last says what runs, the Procfile goes before', async () => {
    await build.source(null, {
      'package.json': JSON.stringify({
        scripts: { build: "node -e \"require('fs').writeFileSync('made', process.env.GREETING ?? '')\"" },
      }),
      'server.py': 'print(1)',
      Procfile: 'worker: python3 server.py',
    })
    const env = settings(['exports', 'heroku/nodejs', 'python'])
    const detected = await build.phase('detect', env)
    assert.equal(detected.code, 0, detected.output)
    const plan = parse(buildPlan, await build.result('plan.json'))
    assert.deepEqual(plan.runtimes.map(({ name }) => name).slice(0, 3), ['toolchain', 'node', 'npm'])
    assert.equal(plan.buildpack, 'exports, node, python')
    await offer('exports')
    const { code, output } = await build.phase('compile', env)
    assert.equal(code, 0, output)
    assert.equal(await readFile(join(build.app, 'made'), 'utf8'), 'hello, with spaces')
    const { processes } = await release()
    assert.equal(processes['worker' as never], 'python3 server.py')
    assert.doesNotMatch(JSON.stringify(processes), /"true"|never/)
  })

  it('that are named in app.json run, unless others are set for the app', async () => {
    await build.source(null, { 'app.json': '{"buildpacks": [{"url": "profile"}]}', Procfile: 'web: true' })
    await build.phase('detect')
    assert.deepEqual(parse(buildPlan, await build.result('plan.json')).offered, [{ name: 'profile', ref: null }])
    const { output } = await build.phase('detect', settings(['procfile']))
    assert.match(output, /app\.json names profile; the buildpacks set for this app go before/)
    assert.equal(parse(buildPlan, await build.result('plan.json')).buildpack, 'procfile')
  })

  /** As detect leaves an app that has a Procfile. */
  async function prepare(): Promise<void> {
    await writeFile(join(dirname(build.app), 'build', 'plan.json'), '{"buildpack":"x"}')
    await mkdir(build.app, { recursive: true })
    await writeFile(join(build.app, 'Procfile'), 'web: true')
  }
  async function failure(name: string): Promise<string> {
    await prepare()
    await rm(join(dirname(build.app), 'build', 'buildpacks'), { recursive: true, force: true })
    const { code, output } = await build.phase('compile', settings([name]))
    assert.equal(code, 13, output)
    return output
  }
  it('that fail end the build with their own words and exit code', async () => {
    await offer('fails')
    const output = await failure('fails')
    assert.match(
      output,
      /^ ! {5}Its bin\/detect does not recognise this source \(exit code 1\); it is set, so it runs all the same\.$/m,
    )
    assert.match(output, /^-----> Downloading the internet$/m)
    assert.match(output, /^ ! {5}It is closed today$/m)
    assert.match(output, /"bin\/compile of fails" failed with exit code 3/)
  })

  it('without a bin/compile are told apart from those of another kind', async () => {
    await made('empty', { 'README.md': 'x' })
    assert.match(await failure('empty'), /empty has no bin\/compile, so it is no buildpack of Heroku's classic kind/)
    await made('native', { 'bin/build': '#!/bin/sh', 'buildpack.toml': 'api = "0.10"' })
    assert.match(await failure('native'), /native is a Cloud Native Buildpack \(it has bin\/build\)/)
  })

  it('whose bin/compile is not executable say how to make it so', async () => {
    await made('sleepy', { 'bin/compile': '#!/bin/sh\nexit 0' }, 0o644)
    assert.match(
      await failure('sleepy'),
      /bin\/compile of sleepy is not executable\. .*git update-index --chmod=\+x bin\/compile/,
    )
  })

  it('without a bin/detect run all the same', async () => {
    await prepare()
    await made('plain', { 'bin/compile': '#!/bin/sh\necho compiled' })
    const { code, output } = await build.phase('compile', settings(['plain']))
    assert.equal(code, 0, output)
    assert.match(output, /plain \(it has no bin\/detect that can be run\)/)
  })

  const releases: [what: string, prints: string, says: RegExp][] = [
    [
      'no YAML',
      'default_process_types:\n  web: "x',
      /What bin\/release of odd printed is not YAML, line \d+, column \d+: /,
    ],
    ['a list', '- web', /What bin\/release of odd printed: it must be a mapping of names to values/],
    [
      'process types that are a list',
      'default_process_types: [web]',
      /printed: default_process_types must be a mapping/,
    ],
    [
      'a command that is a mapping',
      'default_process_types:\n  web: {a: b}',
      /printed has no command of one line for web/,
    ],
    ['a tag that makes code', 'default_process_types: !!js/function "x"', /is not YAML/],
  ]
  for (const [what, prints, says] of releases)
    it(`whose bin/release prints ${what} are refused with the place`, async () => {
      await made('odd', { 'bin/compile': '#!/bin/sh', 'bin/release': `#!/bin/sh\ncat <<'YAML'\n${prints}\nYAML` })
      assert.match(await failure('odd'), says)
    })

  it('whose bin/release or export fails say so', async () => {
    await made('bad-release', { 'bin/compile': '#!/bin/sh', 'bin/release': '#!/bin/sh\necho sorry >&2; exit 7' })
    assert.match(await failure('bad-release'), /bin\/release of bad-release failed \(exit code 7\): sorry/)
    await made('bad-export', { 'bin/compile': '#!/bin/sh', export: 'if then' })
    assert.match(await failure('bad-export'), /The file export of bad-export cannot be sourced: .*syntax error/)
  })

  it('and no Procfile and no process type leave nothing to run, and that is said', async () => {
    await prepare()
    await rm(join(build.app, 'Procfile'))
    await made('silent', { 'bin/compile': '#!/bin/sh', 'bin/release': '#!/bin/sh\necho "--- {}"' })
    const { code, output } = await build.phase('compile', settings(['silent']))
    assert.equal(code, 12, output)
    assert.match(
      output,
      /Nothing says how to start this app: there is no Procfile with a process, and the last buildpack names none/,
    )
  })

  describe('in git repositories', () => {
    let server: GitServer
    before(async function () {
      this.timeout(120_000)
      server = await startGitServer()
      await server.commit('pack', join(FIXTURES, 'profile'))
      await server.git('pack', ['tag', 'v1'])
      await server.git('pack', ['branch', 'next'])
      await server.commit('secret', join(FIXTURES, 'profile'), { user: 'me', password: 'hunter2' })
    })
    after(() => server?.stop())
    beforeEach(prepare)

    const compile = (url: string, config: Record<string, string> = {}) =>
      build.phase('compile', settings([url], config, { GIT_SSL_CAINFO: server.caFile, CURL_CA_BUNDLE: server.caFile }))

    for (const ref of ['', '#v1', '#next'])
      it(`are fetched over https${ref === '' ? ', at their default branch' : ` at ${ref}`}`, async () => {
        const { code, output } = await compile(`${server.url}/pack.git${ref}`)
        assert.equal(code, 0, output)
        assert.match(output, /^ {7}https:\/\/localhost:\d+\/pack\.git\S* at [0-9a-f]{12}$/m)
        assert.deepEqual((await release()).processes, { web: 'true', worker: 'profiled-tool' })
      })

    it('are fetched by commit, whole or abbreviated, and a whole one that is there needs no network', async () => {
      const commit = await server.git('pack', ['rev-parse', 'HEAD'])
      for (const ref of [commit.slice(0, 10), commit]) {
        const { code, output } = await compile(`${server.url}/pack.git#${ref}`)
        assert.equal(code, 0, output)
      }
      const asked = server.requests
      assert.equal((await compile(`${server.url}/pack.git#${commit}`)).code, 0)
      assert.equal(server.requests, asked)
    })

    it('that are private are fetched with BUILDPACK_CREDENTIALS, which no log shows', async () => {
      const host = new URL(server.url).host
      const url = `${server.url}/secret.git`
      const without = await compile(url)
      assert.equal(without.code, 13)
      assert.match(
        without.output,
        /could not be fetched: .*for a private one, put https:\/\/USER:TOKEN@HOST into the config var BUILDPACK_CREDENTIALS/s,
      )
      const { code, output } = await compile(url, { BUILDPACK_CREDENTIALS: `https://me:hunter2@${host}` })
      assert.equal(code, 0, output)
      assert.doesNotMatch(output + without.output, /hunter2/)
    })

    it('that are not there, or have no such branch, say so without being tried for long', async () => {
      assert.match(
        (await compile(`${server.url}/none.git`)).output,
        /The buildpack https:\S+none\.git could not be fetched: .*not found/,
      )
      assert.match(
        (await compile(`${server.url}/pack.git#gone`)).output,
        /could not be fetched: .*couldn't find remote ref gone/,
      )
    })

    it('G05: are not fetched from anywhere else when they redirect', async () => {
      const { code, output } = await compile(`${server.url}/redirect-to-http/pack.git`)
      assert.equal(code, 13)
      assert.match(output, /could not be fetched/)
      assert.equal(server.plainRequests, 0)
    })

    it('a broken copy in the cache is fetched anew', async () => {
      await compile(`${server.url}/pack.git`)
      await run('sh', [
        '-c',
        'for f in $(find "$1" -name "*.pack" -o -name HEAD); do chmod u+w "$f"; echo x > "$f"; done',
        'sh',
        join(dirname(build.app), 'cache/buildpacks'),
      ])
      const { code, output } = await compile(`${server.url}/pack.git`)
      assert.equal(code, 0, output)
    })

    it('and in archives, with or without a folder around them', async () => {
      const { code, output } = await compile(`${server.url}/archives/pack.tgz`)
      assert.equal(code, 0, output)
      assert.match((await compile(`${server.url}/archives/none.tgz`)).output, /could not be fetched: .*404/)
    })
  })
})
