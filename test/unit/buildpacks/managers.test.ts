import assert from 'node:assert/strict'
import { readNodeApp } from '#buildpacks/node/app.ts'
import { node } from '#buildpacks/node/index.ts'
import { chooseManager } from '#buildpacks/node/manager.ts'
import { disagreement } from '#buildpacks/node/lockfile.ts'
import { steps } from '#buildpacks/node/steps.ts'
import { buildOrder, findMembers, pnpmPatterns } from '#buildpacks/node/workspaces.ts'
import { parsePackageJson } from '#buildpacks/node/package-json.ts'
import { anAppFolder } from '#test/helpers/app-folder.ts'

type Files = Record<string, string | object>
const refused = (message: RegExp) => ({ name: 'BuildFailure', exitCode: 12, message })
const nodeApp = (json: object, files: Files = {}) => readNodeApp(anAppFolder({ 'package.json': json, ...files }))
const manager = async (json: object, files: Files = {}) => chooseManager(await nodeApp(json, files))

const yarn1 = '# yarn lockfile v1\n\n\nms@^2.1.3:\n  version "2.1.3"\n'
const berry = (version: number) => `__metadata:\n  version: ${version}\n\n"ms@npm:^2.1.3":\n  version: 2.1.3\n`
const pnpmLock = (version: string) =>
  `lockfileVersion: '${version}'\n\nimporters:\n\n  .:\n    dependencies:\n      ms:\n        specifier: ^2.1.3\n        version: 2.1.3\n`

describe('The package manager of an app', () => {
  it('is the one whose lockfile is there, at a version that wrote such a lockfile', async () => {
    const cases: [Files, string, string][] = [
      [{}, 'npm', '10.x'],
      [{ 'package-lock.json': '{}' }, 'npm', '10.x'],
      [{ 'pnpm-lock.yaml': pnpmLock('9.0') }, 'pnpm', '10.x'],
      [{ 'pnpm-lock.yaml': pnpmLock('6.0') }, 'pnpm', '8.x'],
      [{ 'pnpm-lock.yaml': 'lockfileVersion: 5.4\n' }, 'pnpm', '7.x'],
      [{ 'yarn.lock': yarn1 }, 'yarn', '1.x'],
      [{ 'yarn.lock': berry(6) }, 'yarn', '3.x'],
      [{ 'yarn.lock': berry(8) }, 'yarn', '>=4 <4.14'],
      [{ 'yarn.lock': berry(10) }, 'yarn', '>=4.15'],
      [{ 'bun.lock': '{}' }, 'bun', '1.x'],
      [{ 'bun.lockb': '' }, 'bun', '1.x'],
    ]
    for (const [files, name, range] of cases) {
      const chosen = await manager({}, files)
      assert.deepEqual([chosen.name, chosen.range], [name, range], JSON.stringify(files))
    }
  })

  it('is the one that packageManager names, at exactly its version, whatever else is there', async () => {
    const files = { 'yarn.lock': yarn1, 'pnpm-lock.yaml': pnpmLock('9.0') }
    const chosen = await manager({ packageManager: 'pnpm@9.15.9+sha512.abc' }, files)
    assert.deepEqual([chosen.name, chosen.range, chosen.lockfile?.name], ['pnpm', '9.15.9', 'pnpm-lock.yaml'])
    assert.match(chosen.reason, /asks for pnpm@9\.15\.9/)
  })

  it('has the version of engines, unless that is a sentence', async () => {
    const files = { 'pnpm-lock.yaml': pnpmLock('9.0') }
    assert.equal((await manager({ engines: { pnpm: '>=9 <11' } }, files)).range, '>=9 <11')
    assert.equal((await manager({ engines: { pnpm: 'please use pnpm' } }, files)).range, '10.x')
    assert.equal((await manager({ engines: { npm: '11.x' } })).range, '11.x')
  })

  it('is refused when lockfiles contradict each other or packageManager, with what to do', async () => {
    await assert.rejects(
      manager({}, { 'yarn.lock': yarn1, 'package-lock.json': '{}' }),
      refused(/has package-lock\.json and yarn\.lock.*git rm.*"packageManager": "npm@VERSION"/),
    )
    await assert.rejects(
      manager({ packageManager: 'pnpm@10.0.0' }, { 'yarn.lock': yarn1 }),
      refused(/names pnpm in packageManager, and the only lockfile is yarn\.lock.*pnpm install --lockfile-only/),
    )
    for (const odd of ['cargo@1', 'pnpm@$(id)', 'pnpm@10 || rm'])
      await assert.rejects(manager({ packageManager: odd }), refused(/packageManager/), odd)
    await assert.rejects(manager({ packageManager: 7 }), refused(/"packageManager" must be a string/))
  })

  it('is Yarn’s own program in the repository when yarnPath names one', async () => {
    const settings = { '.yarnrc.yml': 'nodeLinker: pnp\nyarnPath: .yarn/releases/yarn-3.6.4.cjs\n' }
    const chosen = await manager({}, { 'yarn.lock': berry(6), ...settings })
    assert.deepEqual([chosen.program, chosen.isBerry], ['.yarn/releases/yarn-3.6.4.cjs', true])
    for (const path of ['../yarn.cjs', '/etc/passwd', '.yarn/../../x'])
      await assert.rejects(
        manager({}, { 'yarn.lock': yarn1, '.yarnrc.yml': `yarnPath: ${path}\n` }),
        refused(/must lie in the repository/),
      )
  })

  it('comes as a runtime of the build, beside Node and npm', async () => {
    const app = anAppFolder({ 'package.json': { scripts: { start: 'node x.js' } }, 'pnpm-lock.yaml': pnpmLock('9.0') })
    const { runtimes } = await node.plan(app, 'test')
    assert.deepEqual(
      runtimes.map(({ name }) => name),
      ['node', 'npm', 'pnpm'],
    )
  })
})

describe('What package managers are asked to do', () => {
  const asked = async (json: object, files: Files) => {
    const app = await nodeApp(json, files)
    const { install, builds, prune } = steps(app, chooseManager(app))
    return [install, ...builds, prune].flatMap((step) => (step ? [[step.program, ...step.args].join(' ')] : []))
  }
  const json = { dependencies: { ms: '^2.1.3' } }
  const withBuild = { ...json, scripts: { build: 'tsc' }, devDependencies: { typescript: '6' } }

  it('installs exactly what was locked, and takes away what only the build needed', async () => {
    const cases: [Files, string[], string[]][] = [
      [
        { 'pnpm-lock.yaml': pnpmLock('9.0') },
        ['pnpm install --frozen-lockfile --prod'],
        [
          'pnpm install --frozen-lockfile --prod=false',
          'pnpm run build',
          'pnpm install --frozen-lockfile --prod --ignore-scripts',
        ],
      ],
      [
        { 'yarn.lock': yarn1 },
        ['yarn install --frozen-lockfile --production=true'],
        [
          'yarn install --frozen-lockfile --production=false',
          'yarn run build',
          'yarn install --frozen-lockfile --production=true --ignore-scripts',
        ],
      ],
      [
        { 'yarn.lock': berry(8) },
        ['yarn install --immutable'],
        ['yarn install --immutable', 'yarn run build', 'yarn workspaces focus --all --production'],
      ],
      [{ 'yarn.lock': berry(6) }, ['yarn install --immutable'], ['yarn install --immutable', 'yarn run build']],
      [
        { 'bun.lock': '{}' },
        ['bun install --frozen-lockfile --production'],
        [
          'bun install --frozen-lockfile',
          'bun run build',
          'bun install --frozen-lockfile --production --ignore-scripts',
        ],
      ],
    ]
    for (const [files, plain, built] of cases) {
      assert.deepEqual(await asked(json, files), plain)
      assert.deepEqual(await asked(withBuild, files), built)
    }
  })
})

describe('A lockfile that is not what package.json asks for', () => {
  const told = async (json: object, files: Files) => {
    const app = await nodeApp(json, files)
    return disagreement(app, chooseManager(app))
  }
  const npmLock = { packages: { '': { dependencies: { ms: '^2.1.3' } } } }
  const bunLock =
    '{\n  "workspaces": {\n    "": {\n      "dependencies": {\n        "ms": "^2.1.3",\n      },\n    },\n  },\n}\n'
  const lockfiles: Files[] = [
    { 'package-lock.json': npmLock },
    { 'pnpm-lock.yaml': pnpmLock('9.0') },
    { 'yarn.lock': yarn1 },
    { 'yarn.lock': berry(8) },
    { 'bun.lock': bunLock },
  ]

  for (const files of lockfiles)
    it(`is told by the first difference: ${Object.keys(files)[0]}`, async () => {
      assert.equal(await told({ dependencies: { ms: '^2.1.3' } }, files), null)
      assert.match(
        (await told({ dependencies: { ms: '^3.0.0' } }, files)) ?? '',
        /asks for ms \^3\.0\.0, and \S+ was made for ms \^2\.1\.3: run `\w+ install`/,
      )
      assert.match((await told({ dependencies: { ms: '^2.1.3', 'left-pad': '1' } }, files)) ?? '', /has no left-pad/)
    })

  it('is not told of dependencies that come from elsewhere than the registry', async () =>
    assert.equal(
      await told({ dependencies: { a: 'workspace:*', b: 'github:x/y', c: 'file:./c' } }, { 'yarn.lock': yarn1 }),
      null,
    ))
})

describe('The packages of a workspace', () => {
  const named = (name: string, dependencies: object = {}, scripts: object = { build: 'tsc' }) => ({
    name,
    dependencies,
    scripts,
  })
  const repository = anAppFolder({
    'package.json': {},
    'apps/web/package.json': named('web', { ui: '*', util: '*' }),
    'packages/ui/package.json': named('@x/ui', {}),
    'packages/old/package.json': named('old'),
    'packages/empty/readme.md': '',
    'packages/ui/node_modules/deep/package.json': named('deep'),
  })
  const paths = async (patterns: string[]) => (await findMembers(repository, patterns)).map(({ path }) => path)

  it('are the folders with a package.json that its patterns name', async () => {
    assert.deepEqual(await paths(['apps/*', 'packages/*', '!packages/old']), ['apps/web', 'packages/ui'])
    assert.deepEqual(await paths(['./packages/ui/']), ['packages/ui'])
    assert.deepEqual(await paths(['**']), ['apps/web', 'packages/old', 'packages/ui'])
    assert.deepEqual(await paths(['{apps,packages}/{web,ui}']), ['apps/web', 'packages/ui'])
    assert.deepEqual(await paths([]), [])
  })

  it('are read from pnpm-workspace.yaml in each way that lists are written', () => {
    assert.deepEqual(pnpmPatterns('packages:\n  - "apps/*" # ours\n  - packages/*\n\n  - \'!x\'\ncatalog:\n  - no\n'), [
      'apps/*',
      'packages/*',
      '!x',
    ])
    assert.deepEqual(pnpmPatterns("packages: ['apps/*', lib]\n"), ['apps/*', 'lib'])
    assert.deepEqual(pnpmPatterns('onlyBuiltDependencies:\n  - esbuild\n'), [])
  })

  it('are built in the order in which they need each other, those without a build left out, circles and all', () => {
    const member = (path: string, needs: string[], builds = true) => {
      const dependencies = Object.fromEntries(needs.map((name) => [name, '*']))
      const text = JSON.stringify({ name: path, dependencies, scripts: builds ? { build: 'x' } : {} })
      return { path, package: parsePackageJson(text) }
    }
    const order = (members: ReturnType<typeof member>[], path: string) =>
      buildOrder(members, path).map((each) => each.path)
    const members = [member('web', ['ui', 'util', 'ms']), member('ui', ['util']), member('util', []), member('api', [])]
    assert.deepEqual(order(members, 'web'), ['util', 'ui', 'web'])
    assert.deepEqual(order([member('a', ['b']), member('b', ['a'])], 'a'), ['b', 'a'])
    assert.deepEqual(order([member('a', ['b'], false), member('b', [])], 'a'), ['b'])
  })

  it('that are no list, or have a broken package.json, are refused by file and line', async () => {
    await assert.rejects(nodeApp({ workspaces: 'apps' }), refused(/"workspaces" must be a list/))
    const files = { 'a/package.json': '{\n"name": }' }
    await assert.rejects(
      nodeApp({ workspaces: ['a'] }, files),
      refused(/a\/package\.json is not valid JSON in line 2, column 9/),
    )
  })
})
