import assert from 'node:assert/strict'
import { slugIgnore, unpackCommand } from '#buildpacks/source.ts'

describe('.slugignore', () => {
  it('matches a plain name at any depth, and a path from the root', () => {
    const ignored = slugIgnore('# docs\n*.psd\n/test\ndocs/*.md\n')
    assert.equal(ignored('a.psd', false), true)
    assert.equal(ignored('deep/er/b.psd', false), true)
    assert.equal(ignored('test', true), true)
    assert.equal(ignored('src/test', true), false)
    assert.equal(ignored('docs/a.md', false), true)
    assert.equal(ignored('docs/a/b.md', false), false)
    assert.equal(ignored('src/docs/a.md', false), false)
  })

  it('takes a slash at the end for folders only, and ** for any depth', () => {
    const ignored = slugIgnore('logs/\nsrc/**/*.spec.js\n')
    assert.equal(ignored('logs', true), true)
    assert.equal(ignored('logs', false), false)
    assert.equal(ignored('src/a.spec.js', false), true)
    assert.equal(ignored('src/x/y/a.spec.js', false), true)
  })

  it('takes every other character as it is', () => {
    const ignored = slugIgnore('a+b(.txt\n')
    assert.equal(ignored('a+b(.txt', false), true)
    assert.equal(ignored('aab(.txt', false), false)
  })

  it('refuses negation, which it does not know', () => {
    assert.throws(() => slugIgnore('!keep.txt'), { name: 'BuildFailure', exitCode: 12, message: /"!keep\.txt"/ })
  })
})

describe('Unpacking', () => {
  it('gives no owner and no mode of the archive to the files', () => {
    const command = unpackCommand('/source.tar', '/app')
    assert.ok(command.includes('--no-same-owner') && command.includes('--no-same-permissions'))
  })
})
