import assert from 'node:assert/strict'
import { judgePush, short } from '../../../../controller/git/policy.ts'
import { parseHead } from '../../../../controller/git/cgi.ts'
import { gitEnvironment } from '../../../../controller/git/settings.ts'

const a = 'a'.repeat(40)
const b = 'b'.repeat(40)
const nothing = '0'.repeat(40)

describe('what may be pushed', () => {
  it('is one commit to main', () => {
    assert.deepEqual(judgePush([`${a} ${b} refs/heads/main`]), { taken: true, old: a, commit: b })
    assert.deepEqual(judgePush([`${nothing} ${b} refs/heads/main`]), { taken: true, old: nothing, commit: b })
  })

  it('is nothing else', () => {
    const refused = [
      [],
      ['gibberish'],
      [`${a} ${nothing} refs/heads/main`],
      [`${a} ${b} refs/heads/mainly`],
      [`${a} ${b} refs/tags/main`],
      [`${a} ${b} refs/heads/main`, `${a} ${b} refs/heads/x`],
      [`${a} --output=x refs/heads/main`],
    ]
    for (const changes of refused) assert.equal(judgePush(changes).taken, false, changes.join())
  })

  it('is named in seven digits', () => {
    assert.equal(short(a), 'aaaaaaa')
    assert.equal(short(nothing), 'nothing')
  })
})

describe('git’s surroundings', () => {
  it('hold all settings, and no configuration of the machine or a user', () => {
    const env = gitEnvironment('/hooks')
    const count = Number(env['GIT_CONFIG_COUNT'])
    const settings = Array.from(
      { length: count },
      (_, i) => `${env[`GIT_CONFIG_KEY_${i}`]}=${env[`GIT_CONFIG_VALUE_${i}`]}`,
    )
    for (const one of ['core.hooksPath=/hooks', 'receive.fsckObjects=true', 'http.getanyfile=false'])
      assert.ok(settings.includes(one), one)
    assert.equal(env['GIT_CONFIG_NOSYSTEM'], '1')
    assert.equal(env['HOME'], '/nonexistent')
  })

  it('take a CGI answer’s status and headers', () => {
    assert.deepEqual(parseHead('Status: 403 Forbidden\r\nX: y'), { status: 403, headers: [['X', 'y']] })
    assert.deepEqual(parseHead('Content-Type: a/b'), { status: 200, headers: [['Content-Type', 'a/b']] })
    assert.deepEqual(parseHead('Status: 999'), { status: 500, headers: [] })
  })
})
