import assert from 'node:assert/strict'
import { parseComposer, rangeOf } from '#buildpacks/php/composer.ts'
import { php } from '#buildpacks/php/index.ts'
import { anAppFolder } from '#test/helpers/app-folder.ts'

type Files = Record<string, string | object>
const plan = (files: Files) => php.plan(anAppFolder(files), 'trixie-1')
const refused = (message: RegExp) => ({ name: 'BuildFailure', exitCode: 12, message })

describe('A PHP app', () => {
  it('is known by composer.json, or an index.php in the root or where frameworks have it', async () => {
    for (const name of ['composer.json', 'index.php', 'public/index.php', 'web/index.php'])
      assert.equal((await php.detect(anAppFolder({ [name]: '{}' }))).accepted, true, name)
    assert.equal((await php.detect(anAppFolder({ 'lib/x.php': '', 'index.html': '' }))).accepted, false)
  })

  it('without composer.json needs PHP and nothing else', async () => {
    const { runtimes, dependencies } = await plan({ 'index.php': '' })
    assert.deepEqual(runtimes, [{ name: 'php', range: '*', reason: 'the PHP of the stack' }])
    assert.equal(dependencies, null)
  })

  it('keeps its packages as a layer, unless they lie in the app or are found by looking through it', async () => {
    const files = { 'public/index.php': '', 'composer.json': { require: { 'a/b': '1' } } }
    const key = async (more: Files) => (await plan({ ...files, ...more })).dependencies?.key
    assert.equal(await key({ 'src/x.php': 'changed' }), await key({}))
    assert.notEqual(await key({ 'composer.lock': '{}' }), await key({}))
    for (const json of [
      { repositories: [{ type: 'path', url: 'x' }] },
      { repositories: { mine: { type: 'artifact', url: 'x' } } },
      { autoload: { classmap: ['src'] } },
    ])
      assert.equal((await plan({ ...files, 'composer.json': json })).dependencies, null)
    assert.equal((await plan({ ...files, 'vendor/autoload.php': '' })).dependencies, null)
  })

  it('without a page where it is served is refused, with both ways out', async () => {
    await assert.rejects(
      plan({ 'composer.json': '{}' }),
      refused(/^There is no index\.php in the root of the repository.*document-root.*web: \.berth\/php\/serve public/),
    )
    const root = { extra: { berth: { 'document-root': 'www/site/' } } }
    await assert.rejects(plan({ 'composer.json': root }), refused(/^There is no index\.php in the folder www\/site\//))
    await assert.doesNotReject(plan({ 'composer.json': root, 'www/site/index.php': '' }))
    await assert.doesNotReject(plan({ 'composer.json': '{}', Procfile: 'web: php -S 0.0.0.0:$PORT' }))
  })

  it('cannot name a folder outside of itself, or one with a command in it (B03)', () => {
    for (const folder of ['../x', '/etc', 'a/../../b', '$(reboot)', 'a b', '', 7])
      assert.throws(
        () => parseComposer(JSON.stringify({ extra: { berth: { 'document-root': folder } } })),
        refused(/must be a folder in the app such as "public", got/),
        String(folder),
      )
  })

  it('whose composer.json is broken learns why', () => {
    assert.throws(
      () => parseComposer('{"require": }'),
      refused(/^composer\.json is not valid JSON in line 1, column 13: /),
    )
    assert.throws(() => parseComposer('[]'), refused(/must hold a JSON object/))
    assert.doesNotThrow(() => parseComposer('{"require": 7, "extra": null, "scripts": []}'))
  })
})

describe('The PHP that an app asks for', () => {
  const cases: { constraint: string; range: string }[] = [
    { constraint: '^8.2', range: '^8.2' },
    { constraint: '~8.2', range: '>=8.2 <9' },
    { constraint: '>=8.1,<8.5', range: '>=8.1 <8.5' },
    { constraint: '^7.4 | ^8.0', range: '^7.4 || ^8.0' },
    { constraint: '^8.4.2', range: '^8.4' },
    { constraint: '8.3.*', range: '8.3.*' },
    { constraint: '8.4.11', range: '8.4' },
  ]
  for (const { constraint, range } of cases)
    it(`${constraint} is ${range}`, () => assert.equal(rangeOf(constraint), range))
})
