import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { buildRelease } from '#core/contract/buildpack.ts'
import { parse } from '#core/contract/schema.ts'
import { newBuild, type BuildRun } from '#test/helpers/buildpack-run.ts'

const start = JSON.stringify({ scripts: { start: 'node server.js' } })

describe('An app that is a folder of its repository', function () {
  // Real processes, on a machine that may be busy.
  this.timeout(60_000)

  let build: BuildRun
  beforeEach(async () => {
    build = await newBuild()
  })
  afterEach(() => build.remove())

  async function phases(root: string): Promise<string> {
    const env = { BERTH_APP_ROOT: root }
    const detected = await build.phase('detect', env)
    assert.equal(detected.code, 0, detected.output)
    const compiled = await build.phase('compile', env)
    assert.equal(compiled.code, 0, compiled.output)
    return detected.output
  }
  const has = (path: string) => existsSync(join(build.app, path))

  it('becomes the whole app when it stands for itself, without the rest and what its own .slugignore names', async () => {
    await build.source(null, {
      'services/web/package.json': start,
      'services/web/server.js': '',
      // Named like the folder that it lies in.
      'services/web/services/x.txt': '',
      'services/web/secret.psd': '',
      'services/web/.slugignore': '*.psd\n',
      'other/large.bin': 'x',
      'package.json': '{ "name": "no workspace" }',
    })
    assert.match(await phases('services/web'), /The app is services\/web\/; the rest of the repository is left out/)
    assert.deepEqual(['server.js', 'services/x.txt', 'other', 'secret.psd', 'services/web'].map(has), [
      true,
      true,
      false,
      false,
      false,
    ])
    assert.deepEqual(parse(buildRelease, await build.result('release.json')).processes, { web: 'node server.js' })
  })

  it('stands for itself in a workspace too, when it has a lockfile of its own', async () => {
    await build.source(null, {
      'package.json': '{ "workspaces": ["apps/*"] }',
      'apps/web/package.json': start,
      'apps/web/server.js': '',
      'apps/web/package-lock.json': '{}',
    })
    assert.match(await phases('apps/web'), /the rest of the repository is left out/)
    assert.ok(has('server.js'))
  })

  it('may be of any language, and its commands are those of its own Procfile', async () => {
    await build.source(null, {
      'backend/Procfile': 'web: cat greeting\n',
      'backend/greeting': 'hello\n',
      'package.json': start,
    })
    await phases('backend')
    assert.deepEqual(parse(buildRelease, await build.result('release.json')).processes, { web: 'cat greeting' })
  })

  it('S32: is refused when it is not there, a file, a link, or outside the repository, and the folders that are there are named', async () => {
    await build.source(null, { 'web/index.html': '', 'api/index.html': '', file: '' })
    await symlink('/etc', join(build.app, '../source/link'))
    await build.source(null)
    for (const root of ['wbe', 'file', 'link', '../..', 'web/../api', 'web/deeper']) {
      const { code, output } = await build.phase('detect', { BERTH_APP_ROOT: root })
      assert.equal(code, 12, `${root}: ${output}`)
      assert.match(output, /root is set to ".*", and (?:the source has no such folder|there it has a file or a link)/)
      if (!root.startsWith('web')) assert.match(output, /; in its root are the folders api, web\./)
    }
  })
})
