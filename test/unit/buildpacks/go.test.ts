import assert from 'node:assert/strict'
import type { Procfile } from '#core/domain/procfile.ts'
import { DEBIAN_RELEASE } from '#core/domain/stack.ts'
import { go, goEnvironment } from '#buildpacks/go/index.ts'
import { ignoredToolchain, parseModule, refuseNewerGo, STACK_GO } from '#buildpacks/go/module.ts'
import { checkedPrograms, goProcesses, programsOf } from '#buildpacks/go/programs.ts'
import { anAppFolder } from '#test/helpers/app-folder.ts'
import { versionsOf } from '../../../agent/runtimes/packages.ts'

const refused = (message: RegExp) => ({ name: 'BuildFailure', exitCode: 12, message })
const plan = (files: Record<string, string>) => go.plan(anAppFolder(files), 'test')

describe('A Go app', () => {
  it('is known by go.mod, and needs Go for its build', async () => {
    assert.deepEqual(await go.detect(anAppFolder({ 'go.mod': '' })), {
      accepted: true,
      what: 'Go app',
      because: 'go.mod found',
    })
    assert.deepEqual((await plan({ 'go.mod': 'module example.com/a\n\ngo 1.22.3\n' })).runtimes, [
      { name: 'go', range: STACK_GO, reason: 'compiles the app; go.mod asks for 1.22 or newer' },
    ])
  })

  it('gets C’s compiler only when it asks', async () => {
    const { runtimes } = await plan({ 'go.mod': 'module a\n', '.berth-toolchain': '' })
    assert.deepEqual(
      runtimes.map(({ name }) => name),
      ['go', 'toolchain'],
    )
    const build = { env: {}, cacheFolder: '/cache' }
    assert.equal(goEnvironment(build, { vendored: false, cgo: false }).CGO_ENABLED, '0')
    assert.equal(goEnvironment(build, { vendored: false, cgo: true }).CGO_ENABLED, '1')
  })

  it('takes its modules from vendor/ where they are, and keeps what it compiles with the app’s cache', () => {
    const env = goEnvironment(
      { env: { GOCACHE: '/elsewhere', GOPROXY: 'https://x' }, cacheFolder: '/cache' },
      { vendored: true, cgo: false },
    )
    assert.equal(env.GOFLAGS, '-mod=vendor')
    assert.equal(env.GOCACHE, '/cache/go/build')
    assert.equal((env as NodeJS.ProcessEnv)['GOPROXY'], 'https://x')
  })

  it('that asks for a newer Go than the stack’s is refused with the line and the one there is', async () => {
    await assert.rejects(
      plan({ 'go.mod': 'module a\n\ngo 1.99\n' }),
      refused(/go\.mod line 3 asks for Go 1\.99; the stack has Go 1\.\d+\. Write "go 1\.\d+" there/),
    )
    assert.doesNotThrow(() => refuseNewerGo(parseModule(`module a\ngo ${STACK_GO}.9`)))
    assert.match(
      ignoredToolchain(parseModule('module a\ngo 1.22\ntoolchain go1.99.1')) ?? '',
      /wishes for the toolchain go1\.99\.1/,
    )
    assert.equal(ignoredToolchain(parseModule('module a\ngo 1.22\ntoolchain go1.22.1')), null)
  })

  it('with a broken go.mod is refused with the line', () => {
    assert.throws(() => parseModule('go 1.22'), refused(/names no module/))
    assert.throws(() => parseModule('module a\ngo latest'), refused(/line 2: "go" is followed by a version.*"latest"/))
    assert.throws(() => parseModule('module a b$c'), refused(/line 1/))
  })

  it('names the Go that Debian has', () => {
    assert.deepEqual(
      versionsOf(DEBIAN_RELEASE, 'go').map(({ version }) => version),
      [STACK_GO],
    )
  })
})

describe('The programs of a Go module', () => {
  const one = programsOf('\nexample.com/shop\n\n')
  const three = programsOf('example.com/shop/cmd/web\nexample.com/shop/cmd/worker\nexample.com/shop/tool/v2\n')

  it('are its packages main, named as Go names them', () => {
    assert.deepEqual(
      three.map(({ name }) => name),
      ['web', 'worker', 'tool'],
    )
    assert.throws(() => checkedPrograms([]), refused(/no package main/))
    assert.throws(() => checkedPrograms(programsOf('a/cmd/x\na/other/x\n')), refused(/a\/cmd\/x and a\/other\/x/))
  })

  it('give web the only one, or the one that is called web; else the Procfile must say', () => {
    assert.deepEqual(goProcesses(null, one), { web: 'bin/shop' })
    assert.deepEqual(goProcesses(null, three), { web: 'bin/web' })
    assert.deepEqual(goProcesses({ worker: 'bin/worker' } as Procfile, three), { worker: 'bin/worker' })
    assert.deepEqual(goProcesses({ release: 'bin/migrate' } as Procfile, one), {
      web: 'bin/shop',
      release: 'bin/migrate',
    })
    assert.throws(
      () => goProcesses(null, programsOf('a/cmd/x\na/cmd/y\n')),
      refused(/several programs: x, y\. Say which one is web in a Procfile, such as "web: bin\/x"/),
    )
  })
})
