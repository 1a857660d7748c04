import assert from 'node:assert/strict'
import { confined, placeSeen } from '../../../../controller/git/sandbox.ts'
import { gitEnvironment, gitSettings } from '../../../../controller/git/settings.ts'
import { needsTidying, readCounts } from '../../../../controller/git/upkeep.ts'

const place = { repository: '/home/git/a-1.git', hooks: '/home/hooks' }
const command = { argv: ['git', 'gc'] as [string, ...string[]], place, user: { uid: 7, gid: 7 }, fileBytes: 4096 }

describe('git’s surroundings', () => {
  it('G04 hold all settings, and no configuration of the machine or a user', () => {
    const env = gitEnvironment(gitSettings('/hooks', 1000))
    const count = Number(env['GIT_CONFIG_COUNT'])
    const settings = Array.from(
      { length: count },
      (_, i) => `${env[`GIT_CONFIG_KEY_${i}`]}=${env[`GIT_CONFIG_VALUE_${i}`]}`,
    )
    for (const one of ['core.hooksPath=/hooks', 'receive.fsckObjects=true', 'receive.maxInputSize=1000'])
      assert.ok(settings.includes(one), one)
    assert.equal(env['GIT_CONFIG_NOSYSTEM'], '1')
    assert.equal(env['HOME'], '/nonexistent')
  })

  it('G02 G04 are one repository, no network and limits, in that order before git', () => {
    const line = confined({ ...command, isSandboxed: true }).join(' ')
    const words = ['choom -n 1000', '--as=1073741824', '--fsize=4096', 'bwrap', '--unshare-net', '--unshare-pid']
    words.push('--cap-drop ALL', '--ro-bind /home/hooks /hooks', '--bind /home/git/a-1.git /repository')
    words.push('setpriv --reuid=7', '--no-new-privs git gc')
    let at = -1
    for (const word of words) assert.ok((at = line.indexOf(word, at + 1)) >= 0, `${word} in ${line}`)
    assert.deepEqual(placeSeen(place, true), { repository: '/repository', hooks: '/hooks' })
  })

  it('are limits and a user where no namespace can be made', () => {
    const line = confined({ ...command, isSandboxed: false }).join(' ')
    assert.ok(!line.includes('bwrap'))
    assert.match(line, /prlimit .* setpriv --reuid=7 .* git gc$/)
    assert.equal(placeSeen(place, false), place)
  })

  it('are tidied when they hold many small things', () => {
    const counts = readCounts(
      'count: 12\nsize: 4\nin-pack: 3\npacks: 41\nsize-pack: 100\nprune-packable: 0\ngarbage: 1\nsize-garbage: 6',
    )
    assert.deepEqual(counts, { loose: 12, packs: 41, bytes: 110 * 1024 })
    assert.ok(needsTidying(counts))
    assert.ok(!needsTidying({ ...counts, packs: 3 }))
    assert.deepEqual(readCounts(''), { loose: 0, packs: 0, bytes: 0 })
  })
})
