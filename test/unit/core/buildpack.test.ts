import assert from 'node:assert/strict'
import { buildpacks } from '#buildpacks/index.ts'
import { describeBuildpack, isOwn, readBuildpack, readRoot, shortName } from '#core/domain/buildpack.ts'
import { readSize } from '#core/domain/manifest.ts'

function taken(text: string) {
  const read = readBuildpack(text)
  if (!read.ok) assert.fail(`${text}: ${read.why}`)
  return read.source
}

function refused(text: string): string {
  const read = readBuildpack(text)
  if (read.ok) assert.fail(`${text} was taken`)
  return read.why
}

describe('The name of a buildpack', () => {
  it('is one of Berth’s, Heroku’s for the same, or one that the operator may offer', () => {
    assert.deepEqual(taken('python'), { kind: 'own', name: 'python' })
    assert.deepEqual(taken('heroku/nodejs'), { kind: 'own', name: 'node' })
    assert.deepEqual(taken('heroku/apt'), {
      kind: 'git',
      url: 'https://github.com/heroku/heroku-buildpack-apt.git',
      ref: null,
    })
    assert.deepEqual(taken('company-base'), { kind: 'offered', name: 'company-base', ref: null })
    assert.deepEqual(taken('company-base#v2.1'), { kind: 'offered', name: 'company-base', ref: 'v2.1' })
  })

  it('is a URL of a git repository with a branch, a tag or a commit, or of an archive', () => {
    assert.deepEqual(taken('https://example.com/a/b.git'), {
      kind: 'git',
      url: 'https://example.com/a/b.git',
      ref: null,
    })
    assert.deepEqual(taken('https://github.com/heroku/heroku-buildpack-nodejs#feature/x'), {
      kind: 'git',
      url: 'https://github.com/heroku/heroku-buildpack-nodejs',
      ref: 'feature/x',
    })
    assert.deepEqual(taken('https://example.com/pack.tgz'), { kind: 'archive', url: 'https://example.com/pack.tgz' })
  })

  it('G05: no other scheme is fetched, and no reference is an option', () => {
    for (const url of [
      'file:///etc',
      'ssh://git@example.com/x.git',
      'git@example.com:x.git',
      'http://example.com/x.git',
      'git://example.com/x',
      'ext::sh -c id',
      'ftp://example.com/x',
    ])
      assert.match(refused(url), /https/)
    for (const ref of ['--upload-pack=id', '-x', 'a..b', 'a b', 'a;b', '$(id)', 'x.lock', 'x/'])
      assert.match(
        refused(`https://example.com/x.git#${ref}`),
        /no branch, tag or commit|characters that a URL does not have/,
      )
    for (const name of ['../x', '/etc', 'a/../b', '.git', 'UPPER', 'a b', '-x', ''])
      assert.match(refused(name), /neither a buildpack’s name|neither a buildpack's name/)
  })

  it('a name of Heroku’s registry is told apart, with the URL that it most likely has', () => {
    assert.match(
      refused('heroku-community/apt'),
      /give its URL, like https:\/\/github\.com\/heroku-community\/apt\.git/,
    )
  })

  it('credentials are refused and never repeated', () => {
    for (const url of [
      'https://me:hunter2@example.com/x.git',
      'https://hunter2@example.com/x.git',
      'ssh://me:hunter2@example.com/x',
    ])
      assert.doesNotMatch(refused(url), /hunter2/)
    assert.match(
      refused('https://me:hunter2@example.com/x.git'),
      /"https:\/\/example\.com\/x\.git" .*BUILDPACK_CREDENTIALS/,
    )
  })

  it('reads back what it is described as, and has a short name', () => {
    for (const text of [
      'python',
      'base#v1',
      'https://example.com/heroku-buildpack-apt.git#main',
      'https://example.com/p.tar.gz',
    ])
      assert.equal(describeBuildpack(taken(text)), text)
    assert.deepEqual(
      ['python', 'base#v1', 'https://example.com/x/heroku-buildpack-apt.git#main', 'https://example.com/p.tar.gz'].map(
        (text) => shortName(taken(text)),
      ),
      ['python', 'base', 'apt', 'p'],
    )
  })

  it('every buildpack of Berth’s has one', () => {
    assert.deepEqual(
      buildpacks.map(({ name }) => name).filter((name) => !isOwn(name)),
      [],
    )
  })
})

describe('The root folder of an app', () => {
  it('is a path inside the repository', () => {
    assert.deepEqual(['apps/web', './apps/web/', 'web', '@scope/x'].map(readRoot), [
      'apps/web',
      'apps/web',
      'web',
      '@scope/x',
    ])
    for (const path of ['', '.', '..', '../x', 'a/../b', 'a/./b', '/etc', 'a//b', 'a b', 'a\nb', 'x'.repeat(201)])
      assert.equal(readRoot(path), null, path)
  })
})

describe('A size of app.json', () => {
  it('is one of Heroku’s, or memory', () => {
    assert.deepEqual(
      ['eco', 'PERFORMANCE-M', '256M', '1g', '2GB'].map((text) => readSize(text)?.memoryMb),
      [512, 2560, 256, 1024, 2048],
    )
    for (const text of ['', 'huge', '16M', '100000G', '-1M', 'constructor', '1.5G'])
      assert.equal(readSize(text), null, text)
  })
})
