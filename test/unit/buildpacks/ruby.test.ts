import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openFolder } from '#buildpacks/folder.ts'
import { anyIsCompiled, hasExtensions, vendoredGems } from '#buildpacks/ruby/gems.ts'
import { ruby } from '#buildpacks/ruby/index.ts'
import { askedRuby, fitsPlatform, parseLockfile } from '#buildpacks/ruby/lockfile.ts'
import { anAppFolder } from '#test/helpers/app-folder.ts'

const FIXTURE = join(import.meta.dirname, '../../fixtures/apps/ruby-gems')
const LOCK = readFileSync(join(FIXTURE, 'Gemfile.lock'), 'utf8')
const lockOf = (...gems: string[]) =>
  `GEM\n  remote: https://rubygems.org/\n  specs:\n${gems.map((gem) => `    ${gem} (1.0)\n      needs (>= 1)\n`).join('')}\nPLATFORMS\n  ruby\n`

type Files = Record<string, string>
const app = (files: Files) => ({ Gemfile: '', 'Gemfile.lock': lockOf(), Procfile: 'web: ruby x.rb', ...files })
const plan = (files: Files) => ruby.plan(anAppFolder(app(files)), 'trixie-1')
const refused = (message: RegExp) => ({ name: 'BuildFailure', exitCode: 12, message })

describe('A Ruby app', () => {
  it('is known by its Gemfile, and a Rails app by its lock', async () => {
    const detected = async (files: Files) => ruby.detect(anAppFolder(files))
    assert.deepEqual(await detected({ Gemfile: '' }), { accepted: true, what: 'Ruby app', because: 'Gemfile found' })
    const rails = await detected({ Gemfile: '', 'Gemfile.lock': lockOf('railties') })
    assert.equal(rails.accepted && rails.what, 'Rails app')
    assert.equal((await detected({ 'x.rb': '' })).accepted, false)
  })

  it('without a lock is refused, with the way out', async () => {
    await assert.rejects(
      ruby.plan(anAppFolder({ Gemfile: '' }), 'x'),
      refused(/There is no Gemfile\.lock.*bundle lock/),
    )
  })

  it('that is locked for other machines alone is refused, with the way out', async () => {
    await assert.rejects(
      plan({ 'Gemfile.lock': lockOf('rack').replace('  ruby', '  arm64-darwin-23') }),
      refused(/^Gemfile\.lock is for arm64-darwin-23.*bundle lock --add-platform/),
    )
    assert.equal(fitsPlatform(['x86_64-linux-musl'], 'x86_64'), false)
    assert.equal(fitsPlatform(['arm64-darwin', 'x86_64-linux-gnu'], 'x86_64'), true)
  })

  it('keeps its gems as a layer, which is made anew when the lock or the Gemfile changes', async () => {
    const key = async (files: Files) => (await plan(files)).dependencies?.key
    assert.deepEqual((await plan({})).dependencies?.paths, ['vendor/bundle'])
    assert.equal(await key({ 'x.rb': 'changed' }), await key({}))
    assert.notEqual(await key({ 'Gemfile.lock': lockOf('rack') }), await key({}))
    assert.notEqual(await key({ Gemfile: 'gem "x"' }), await key({}))
    const local = `PATH\n  remote: engines/shop\n  specs:\n    shop (0.1)\n\n${lockOf()}`
    assert.equal((await plan({ 'Gemfile.lock': local })).dependencies, null)
  })

  it('has compilers unless all of its gems are in the repository and plain Ruby', async () => {
    const names = async (folder: ReturnType<typeof anAppFolder>) =>
      (await ruby.plan(folder, 'x')).runtimes.map(({ name }) => name)
    assert.deepEqual(await names(openFolder(FIXTURE)), ['ruby'])
    assert.deepEqual(await names(anAppFolder(app({}))), ['ruby'])
    assert.deepEqual(await names(anAppFolder(app({ 'Gemfile.lock': lockOf('nio4r') }))), ['ruby', 'toolchain'])
    assert.equal(hasExtensions('extensions:\n- ext/x/extconf.rb\n'), true)
    // What cannot be read may be anything.
    assert.equal(anyIsCompiled(openFolder(FIXTURE), ['missing.gem']), true)
    assert.deepEqual(await vendoredGems(openFolder(FIXTURE)), ['berth_greeting-1.0.0.gem'])
  })
})

describe('A Gemfile.lock', () => {
  it('is read for gems, platforms and the version of Ruby', () => {
    assert.deepEqual(parseLockfile(LOCK), {
      gems: new Set(['berth_greeting']),
      ruby: '3.3.13',
      platforms: ['ruby', 'x86_64-linux-gnu'],
      local: false,
      git: false,
    })
  })

  it('does not take what a gem needs for a gem that is installed', () =>
    assert.deepEqual([...parseLockfile(lockOf('rack')).gems], ['rack']))
})

describe('The Ruby that an app asks for', () => {
  const cases: { gemfile: string; file: string | null; range: string | null }[] = [
    { gemfile: 'ruby "3.3.5"', file: null, range: '3.3' },
    { gemfile: "ruby '~> 3.3' # why", file: null, range: '>=3.3 <4' },
    { gemfile: 'ruby("~> 3.3.1")', file: null, range: '3.3' },
    { gemfile: 'ruby ">= 3.1"', file: null, range: '>=3.1' },
    { gemfile: 'ruby file: ".ruby-version"', file: 'ruby-3.4.1\n', range: '3.4' },
    { gemfile: 'gem "ruby"', file: null, range: null },
    { gemfile: '', file: 'jruby-9.4', range: 'jruby-9.4' },
  ]
  for (const { gemfile, file, range } of cases)
    it(`${gemfile || file} is ${range ?? 'any'}`, () => assert.equal(askedRuby(gemfile, file)?.range ?? null, range))
})

describe('The web process of a Ruby app', () => {
  const webOf = async (files: Files) => {
    const { Procfile: _, ...open } = app(files)
    return ruby.plan(anAppFolder(open), 'x')
  }
  it('is refused without one that is certain, with an example', async () => {
    await assert.rejects(webOf({ 'server.rb': '' }), refused(/Nothing says how to start.*web: bundle exec puma/))
    await assert.rejects(webOf({ 'config.ru': '' }), refused(/Nothing says how to start/))
    for (const gem of ['puma', 'rackup', 'falcon', 'unicorn'])
      await assert.doesNotReject(webOf({ 'config.ru': '', 'Gemfile.lock': lockOf(gem) }), gem)
    await assert.doesNotReject(webOf({ 'Gemfile.lock': lockOf('railties') }))
  })
})
