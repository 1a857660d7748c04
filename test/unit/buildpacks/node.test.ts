import assert from 'node:assert/strict'
import { buildPlan } from '#core/contract/buildpack.ts'
import { parse } from '#core/contract/schema.ts'
import { readNodeApp } from '#buildpacks/node/app.ts'
import { node } from '#buildpacks/node/index.ts'
import { chooseManager } from '#buildpacks/node/manager.ts'
import * as found from '#buildpacks/node/processes.ts'
import { steps as stepsOf } from '#buildpacks/node/steps.ts'
import { DEFAULT_NODE, nodeVersion } from '#buildpacks/node/versions.ts'
import { anAppFolder } from '#test/helpers/app-folder.ts'

type Files = Record<string, string | object>

const withPackage = (json: object, files: Files = {}) => anAppFolder({ 'package.json': json, ...files })
const nodeApp = (json: object, files: Files = {}) => readNodeApp(withPackage(json, files))
const plan = (json: object, files: Files = {}, stack = 'trixie-1') => node.plan(withPackage(json, files), stack)
const nodeProcesses = (app: Awaited<ReturnType<typeof readNodeApp>>) => found.nodeProcesses(app, new Set()).processes
const refused = (message: RegExp) => ({ name: 'BuildFailure', exitCode: 12, message })

const start = { start: 'node server.js' }
const lock = { lockfileVersion: 3, packages: { 'node_modules/ms': { version: '2.1.3' } } }

describe('The Node version of an app', () => {
  const range = async (json: object, files: Files = {}) => nodeVersion(await nodeApp(json, files)).range

  it('is what engines.node asks for, before .nvmrc, before .node-version, before the default', async () => {
    const files = { '.nvmrc': 'v22.1.0\n', '.node-version': '20' }
    assert.equal(await range({ engines: { node: '>=22 <25' } }, files), '>=22 <25')
    assert.equal(await range({}, files), '22.1.0')
    assert.equal(await range({}, { '.node-version': '20' }), '20')
    assert.equal(await range({}), DEFAULT_NODE)
    assert.equal(await range({ engines: { node: ' ' } }), DEFAULT_NODE)
    assert.equal(await range({ engines: ['node >= 0.6'] }), DEFAULT_NODE)
  })

  it('understands the names of nvm', async () => {
    assert.equal(await range({}, { '.nvmrc': '# ours\nlts/jod\n' }), '22')
    assert.equal(await range({}, { '.nvmrc': 'lts/*' }), DEFAULT_NODE)
    assert.equal(await range({}, { '.nvmrc': 'node' }), '*')
  })

  it('comes with a reason for the pusher', async () => {
    assert.match(nodeVersion(await nodeApp({ engines: { node: '22.x' } })).reason, /package\.json asks for 22\.x/)
    assert.match(nodeVersion(await nodeApp({})).reason, /engines\.node/)
  })

  it('is refused when it cannot be a range', async () => {
    for (const odd of ['22; rm -rf /', 'x'.repeat(101), '$(id)'])
      await assert.rejects(range({ engines: { node: odd } }), refused(/engines\.node in package\.json must be a range/))
    await assert.rejects(range({ engines: { node: 22 } }), refused(/"engines\.node" must be a string/))
  })
})

describe('A package.json', () => {
  it('that is not JSON or of odd types is refused by a sentence that names the field', async () => {
    const odd: [string | object, RegExp][] = [
      ['{"name":', /not valid JSON/],
      ['', /not valid JSON/],
      ['[]', /must hold a JSON object/],
      ['null', /must hold a JSON object/],
      [{ scripts: 'node x.js' }, /"scripts" must be an object, got "node x\.js"/],
      [{ scripts: { start: 7 } }, /"scripts\.start" must be a string, got 7/],
      [{ dependencies: ['express'] }, /"dependencies" must be an object/],
    ]
    for (const [json, message] of odd) await assert.rejects(nodeApp(json as object), refused(message))
  })

  it('has the scripts that it names and no others, whatever they are called', async () => {
    const app = await nodeApp({ scripts: { start: 'npm run constructor' } })
    assert.throws(() => nodeProcesses(app), refused(/needs a script "constructor"/))
  })
})

describe('What npm is asked to do', () => {
  const steps = async (json: object, files: Files = {}) => {
    const app = await nodeApp(json, files)
    const { install, builds, prune } = stepsOf(app, chooseManager(app))
    return [install, ...builds, prune].filter((step) => step !== null).map(({ args }) => args.join(' '))
  }

  it('installs what production needs, exactly as locked', async () => {
    assert.deepEqual(await steps({ dependencies: { ms: '2' } }, { 'package-lock.json': lock }), ['ci --omit=dev'])
    assert.deepEqual(await steps({ dependencies: { ms: '2' } }, { 'npm-shrinkwrap.json': lock }), ['ci --omit=dev'])
  })

  it('has what development needs while a build script runs, and removes it after', async () => {
    const json = { scripts: { build: 'vite build' }, devDependencies: { vite: '8' } }
    assert.deepEqual(await steps(json, { 'package-lock.json': lock }), [
      'ci --include=dev',
      'run build',
      'prune --omit=dev',
    ])
  })

  it('installs without a lockfile, and writes none', async () => {
    assert.deepEqual(await steps({ dependencies: { ms: '2' } }), ['install --no-package-lock --omit=dev'])
  })

  it('does nothing when there is nothing to install', async () => {
    assert.deepEqual(await steps({ scripts: start }, { 'package-lock.json': lock }), [])
    assert.deepEqual(await steps({ scripts: start, devDependencies: { mocha: '12' } }), [])
    assert.deepEqual(await steps({ scripts: { ...start, build: 'node build.js' } }), ['run build'])
  })

  it('installs for development too when a script of the app’s own runs at install', async () => {
    const json = { scripts: { prepare: 'husky' }, devDependencies: { husky: '9' } }
    assert.deepEqual(await steps(json, { 'package-lock.json': lock }), ['ci --include=dev', 'prune --omit=dev'])
  })
})

describe('Packages with parts in C', () => {
  const compilers = async (json: object, files: Files = {}) =>
    (await plan({ ...json, scripts: start }, files)).runtimes.find(({ name }) => name === 'toolchain')?.reason ?? null
  const locked = (name: string, more: object = {}) => ({ packages: { [`node_modules/x/node_modules/${name}`]: more } })
  const some = { dependencies: { x: '1' } }

  it('bring compilers to the build, whichever package manager locked them', async () => {
    const lockfiles: Files[] = [
      { 'package-lock.json': locked('node-addon-api') },
      { 'pnpm-lock.yaml': "lockfileVersion: '9.0'\n\npackages:\n\n  node-addon-api@8.0.0:\n    resolution: {}\n" },
      { 'yarn.lock': '# yarn lockfile v1\n\nnode-addon-api@^8.0.0:\n  version "8.0.0"\n' },
      { 'bun.lock': '{\n  "packages": {\n    "node-addon-api": ["node-addon-api@8.0.0", "", {}],\n  }\n}' },
    ]
    for (const files of lockfiles)
      assert.match((await compilers(some, files)) ?? 'none', /has node-addon-api, by which packages are compiled/)
    assert.match((await compilers({}, { 'binding.gyp': '{}' })) ?? 'none', /^binding\.gyp found/)
    assert.match((await compilers(some, { 'package-lock.json': lock, '.berth-toolchain': '' })) ?? 'none', /^asked for/)
  })

  it('bring none where they are for another system, or where there are none', async () => {
    assert.equal(await compilers(some, { 'package-lock.json': locked('nan', { optional: true }) }), null)
    assert.equal(await compilers(some, { 'package-lock.json': locked('nanoid') }), null)
    assert.equal(await compilers(some, { 'yarn.lock': '# yarn lockfile v1\n\nnanoid@^3:\n  version "3.0.0"\n' }), null)
    assert.equal(await compilers(some, { 'package-lock.json': '{"packages":' }), null)
  })
})

describe('The layer of dependencies', () => {
  const json = { scripts: start, dependencies: { ms: '^2.1.3' } }
  const files = { 'package-lock.json': lock, 'server.js': '' }
  const layer = async (changes: object = {}, moreFiles: Files = {}, stack?: string) =>
    (await plan({ ...json, ...changes }, { ...files, ...moreFiles }, stack)).dependencies
  const key = async (...change: Parameters<typeof layer>) => (await layer(...change))?.key

  it('has the same key while nothing that decides the dependencies changes', async () => {
    assert.deepEqual((await layer())?.paths, ['node_modules'])
    assert.equal(await key({ version: '2.0.0', description: 'new' }, { 'server.js': 'changed' }), await key())
  })

  it('has another key when lockfile, dependencies, .npmrc, Node range or stack change', async () => {
    const keys = await Promise.all([
      key(),
      key({}, { 'package-lock.json': { ...lock, requires: true } }),
      key({ dependencies: { ms: '^2.1.2' } }),
      key({ overrides: { ms: '2.1.3' } }),
      key({}, { '.npmrc': 'legacy-peer-deps=true' }),
      key({ engines: { node: '22.x' } }),
      key({}, {}, 'trixie-2'),
    ])
    assert.equal(new Set(keys).size, keys.length)
    assert.ok(!keys.includes(undefined))
  })

  it('is packed apart, and made anew by each build, when the app’s own code or folders may have had a part in it', async () => {
    for (const changes of [
      { scripts: { ...start, build: 'tsc' } },
      { scripts: { ...start, postinstall: 'node patch.js' } },
      { scripts: { ...start, prepare: 'husky' } },
      { dependencies: { mine: 'file:./mine' } },
      { dependencies: { mine: '../mine' } },
      { pnpm: { patchedDependencies: { 'ms@2.1.3': 'patches/ms.patch' } } },
    ])
      assert.deepEqual(await layer(changes), { key: null, paths: ['node_modules'] }, JSON.stringify(changes))
    assert.equal(await key({}, { 'binding.gyp': '{}' }), null)
    assert.equal(
      await key({}, { 'package-lock.json': '{"packages":{"node_modules/a":{"resolved":"a","link":true}}}' }),
      null,
    )
  })

  it('is there only when something is installed', async () => assert.equal(await layer({ dependencies: {} }), null))

  it('is made anew without a lockfile: the next build may find other versions', async () => {
    assert.equal((await plan(json, { 'server.js': '' })).dependencies?.key, null)
  })

  it('of a workspace has the folders of its packages too, and another key when one of them changes', async () => {
    const workspaces = ['packages/*']
    const member = (range: string) => ({ 'packages/a/package.json': { name: 'a', dependencies: { ms: range } } })
    const there = await layer({ workspaces }, member('^2.1.3'))
    assert.deepEqual(there?.paths, ['node_modules', 'packages/a/node_modules'])
    assert.match(there?.key ?? '', /^[0-9a-f]{64}$/)
    assert.notEqual(await key({ workspaces }, member('^2.1.2')), there?.key)
  })

  it('is part of a plan that the agent accepts', async () => {
    const needs = await plan(json, files)
    assert.doesNotThrow(() => parse(buildPlan, { buildpack: 'node', because: 'package.json found', ...needs }))
    assert.deepEqual(
      needs.runtimes.map(({ name }) => name),
      ['node', 'npm'],
    )
  })
})

describe('The processes of a Node app', () => {
  const processes = async (json: object, files: Files = {}) => nodeProcesses(await nodeApp(json, files))

  it('has the start script for web, without npm in between', async () => {
    assert.deepEqual(await processes({ scripts: start }), { web: 'node server.js' })
    assert.deepEqual(await processes({ scripts: { start: 'NODE_ENV=test next start -p $PORT' } }), {
      web: 'NODE_ENV=test next start -p $PORT',
    })
  })

  it('follows npm start and npm run, in package.json and in the Procfile, with what goes before', async () => {
    const scripts = { start: 'npm run serve', serve: 'node dist/app.js', preserve: 'node check.js', migrate: 'knex up' }
    assert.deepEqual(
      await processes({ scripts }, { Procfile: 'web: npm start\nrelease: npm run migrate\nworker: ./w' }),
      {
        web: '(node check.js) && node dist/app.js',
        release: 'knex up',
        worker: './w',
      },
    )
  })

  it('ends when scripts call each other in a circle', async () => {
    assert.deepEqual(await processes({ scripts: { start: 'npm run start' } }), { web: 'npm run start' })
    const doubling = { start: 'npm run a', prea: 'npm run a', a: 'npm run a' }
    await assert.rejects(processes({ scripts: doubling }), refused(/too long/))
  })

  it('falls back to server.js, then main, then index.js', async () => {
    const files = { 'server.js': '', 'lib/app.js': '', 'index.js': '' }
    assert.deepEqual(await processes({ main: 'lib/app.js' }, files), { web: 'node server.js' })
    assert.deepEqual(await processes({ main: 'lib/app.js' }, { 'lib/app.js': '' }), { web: 'node lib/app.js' })
    assert.deepEqual(await processes({ main: 'gone.js' }, { 'index.js': '' }), { web: 'node index.js' })
  })

  it('lets the Procfile win, and adds web only when something says how it starts', async () => {
    assert.deepEqual(await processes({ scripts: start }, { Procfile: 'web: node other.js' }), { web: 'node other.js' })
    assert.deepEqual(await processes({ scripts: start }, { Procfile: 'worker: node w.js' }), {
      web: 'node server.js',
      worker: 'node w.js',
    })
    assert.deepEqual(await processes({}, { Procfile: 'worker: node w.js', 'index.js': '' }), { worker: 'node w.js' })
    assert.deepEqual(await processes({}, { Procfile: 'release: node m.js', 'index.js': '' }), {
      release: 'node m.js',
      web: 'node index.js',
    })
  })

  it('refuses an app that nothing says how to start, before anything is installed', async () => {
    await assert.rejects(plan({}), refused(/Nothing says how to start this app.*"start": "node server\.js"/))
    await assert.doesNotReject(plan({ main: 'dist/app.js', scripts: { build: 'tsc' } }))
  })

  it('refuses a main that a shell would read as more than a file name, and a command of two lines', async () => {
    const main = 'a.js; id'
    await assert.rejects(processes({ main }, { [main]: '' }), refused(/"main" is "a\.js; id"/))
    await assert.rejects(processes({ scripts: { start: 'node a.js\nnode b.js' } }), refused(/must be one line/))
  })

  it('names the line of a Procfile that is wrong', async () => {
    await assert.rejects(processes({}, { Procfile: 'web: x\nnonsense' }), refused(/Procfile line 2.*nonsense/))
  })
})
