import assert from 'node:assert/strict'
import { makeId, type HostId } from '#core/domain/ids.ts'
import { aclFile, agentUser, controllerUser, routerUser, setUser } from '#core/store/acl.ts'
import { asUser, redisOptions } from '#core/store/connection.ts'

const hash = (letter: string) => letter.repeat(64)
const hashes = { controller: hash('c'), router: hash('d') }

describe('C15 the users of Redis', () => {
  it('begin with one that is off, who names nobody', () => {
    assert.match(aclFile('', hashes), /^user default off resetpass \S+ \S+ \+@all\nuser controller on #c{64} /)
  })

  it('each begin from nothing, whatever they were before', () => {
    for (const user of [controllerUser, routerUser, agentUser('host-a' as HostId)]) {
      assert.deepEqual(setUser(user, [hash('a')]).slice(0, 4), [user.name, 'reset', 'on', `#${hash('a')}`])
      assert.doesNotMatch(user.rules.join(' '), /nopass|allkeys|allchannels|allcommands| ~\* /)
    }
  })

  it('of a host have keys that are no other host’s, however its id goes on', () => {
    const keys = agentUser('h1' as HostId).rules.filter((rule) => rule.startsWith('~'))
    assert.deepEqual(keys, ['~bull:agent-h1:*', '~berth:host:h1', '~berth:host:h1:*'])
  })

  it('know records by ids as they are made, and none of the keys below them', () => {
    const pattern = /%R~berth:app:(\S+) \+exists/.exec(agentUser('h1' as HostId).rules.join(' '))?.[1] ?? ''
    assert.equal(pattern.length, makeId('a', new Uint8Array(13)).length)
    assert.match(pattern, /^a-\?+$/)
  })

  it('that are agents stay known over a restart, with their passwords and the rules of this version', () => {
    const saved = `user agent-host-b on sanitize-payload #${hash('e')} ~* resetchannels +@all\nuser stranger on nopass ~* +@all\n`
    const lines = aclFile(saved, hashes).split('\n')
    const found = lines.find((line) => line.startsWith('user agent-host-b '))
    assert.equal(
      found,
      `user agent-host-b on #${hash('e')} resetchannels -@all ${agentUser('host-b' as HostId).rules.join(' ')}`,
    )
    assert.ok(!lines.some((line) => line.includes('stranger')))
  })
})

describe('A URL of Redis', () => {
  it('names a user on a socket, too, whatever is in the password', () => {
    const url = asUser('unix:///var/lib/berth/redis/redis.sock', { user: 'agent-a', password: 'p:@/%w' })
    assert.deepEqual(redisOptions(url), {
      path: '/var/lib/berth/redis/redis.sock',
      username: 'agent-a',
      password: 'p:@/%w',
    })
    assert.deepEqual(redisOptions('unix:///a.sock'), { path: '/a.sock' })
    assert.deepEqual(redisOptions(asUser('redis://store:6380', { user: 'router', password: 'w' })), {
      host: 'store',
      port: 6380,
      username: 'router',
      password: 'w',
    })
  })
})
