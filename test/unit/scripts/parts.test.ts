import assert from 'node:assert/strict'
import { readConfig } from '#core/runtime/config.ts'
import { partsOf, redisPart, teardownCommand } from '../../../scripts/up/parts.ts'

describe('The parts of a Berth on one machine', () => {
  it('start in an order in which each finds what it needs: store, controller, agent, router', () => {
    assert.deepEqual(
      partsOf(readConfig({})).map(({ name }) => name),
      ['redis', 'controller', 'agent', 'router'],
    )
  })

  it('leave Redis out when another one is given', () => {
    const config = readConfig({ BERTH_REDIS_URL: 'rediss://store.example:6380' })
    assert.deepEqual(
      partsOf(config).map(({ name }) => name),
      ['controller', 'agent', 'router'],
    )
  })

  it('run by the Node that runs the supervisor', () => {
    for (const { name, argv } of partsOf(readConfig({}))) if (name !== 'redis') assert.equal(argv[0], process.execPath)
    assert.equal(teardownCommand()[0], process.execPath)
  })

  it('find what Node made of their source in the cache of the machine', () => {
    for (const { name, env } of partsOf(readConfig({ BERTH_CACHE: '/somewhere' })))
      assert.equal(env?.['NODE_COMPILE_CACHE'], name === 'redis' ? undefined : '/somewhere/compiled')
  })

  it('C15 lets nobody into the embedded Redis without a name, and says no password to those who list processes', () => {
    const [redis, ...others] = partsOf(readConfig({ BERTH_HOME: '/srv/berth' }))
    assert.deepEqual(redis?.argv.slice(-2), ['--aclfile', '/srv/berth/redis/users.acl'])
    for (const { argv } of others) assert.doesNotMatch(argv.join(' '), /redis:|unix:|sock/)
  })

  describe('the embedded Redis', () => {
    const { argv, folder, ready } = redisPart('/var/lib/berth/redis')
    const valueOf = (option: string) => argv[argv.indexOf(option) + 1]

    it('listens on a socket that only its own user may open, and on no port', () => {
      assert.equal(valueOf('--port'), '0')
      assert.equal(valueOf('--unixsocket'), '/var/lib/berth/redis/redis.sock')
      assert.equal(valueOf('--unixsocketperm'), '600')
      assert.deepEqual(ready, { kind: 'socket', path: '/var/lib/berth/redis/redis.sock' })
    })

    it('keeps what it acknowledged: an append-only file, and nothing is evicted', () => {
      assert.equal(valueOf('--appendonly'), 'yes')
      assert.equal(valueOf('--maxmemory-policy'), 'noeviction')
      assert.equal(valueOf('--dir'), folder)
    })
  })
})
