import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readConfig } from '#core/runtime/config.ts'
import { environmentFile, quoted, unitsOf, type Role } from '../../../scripts/install/units.ts'

const BERTH = fileURLToPath(new URL('../../../bin/berth', import.meta.url))
const ANALYZE = '/usr/bin/systemd-analyze'

describe('berth install', function () {
  this.timeout(60_000)
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-install-'))
  })
  after(() => rm(folder, { recursive: true, force: true }))

  const settings = { BERTH_HOME: '/srv/berth', BERTH_CACHE: '/srv/cache' }
  const units = (role: Role, env: Record<string, string> = settings) =>
    unitsOf(role, { config: readConfig(env), path: '/usr/sbin:/usr/bin' })
  const unit = (name: string, role: Role = 'all') => units(role).find((one) => one.name === name)?.text ?? ''
  const install = (args: string[], env: Record<string, string> = {}) =>
    spawnSync(BERTH, ['install', ...args], {
      env: { PATH: process.env['PATH'], HOME: folder, ...env },
      encoding: 'utf8',
      timeout: 30_000,
    })

  it('runs the parts of each role, and Redis where the store is', () => {
    const names = (role: Role, env?: Record<string, string>) => units(role, env).map(({ name }) => name)
    assert.deepEqual(names('all'), [
      'berth-redis.service',
      'berth-controller.service',
      'berth-agent.service',
      'berth-router.service',
      'berth.target',
    ])
    const elsewhere = { ...settings, BERTH_REDIS_URL: 'redis://store:6379' }
    assert.deepEqual(names('controller'), ['berth-redis.service', 'berth-controller.service', 'berth.target'])
    assert.deepEqual(names('controller', elsewhere), ['berth-controller.service', 'berth.target'])
    assert.deepEqual(names('router', elsewhere), ['berth-router.service', 'berth.target'])
    assert.deepEqual(names('agent', elsewhere), ['berth-agent.service', 'berth.target'])
  })

  it('starts each part again whenever it ends, and confines what can be confined', () => {
    for (const { name, text } of units('all').filter((one) => one.name.endsWith('.service'))) {
      assert.match(text, /^Restart=always$/m, name)
      assert.match(text, /^StartLimitIntervalSec=0$/m, name)
      assert.match(text, /^NoNewPrivileges=yes$/m, name)
      assert.match(text, /^StandardOutput=journal$/m, name)
    }
    for (const name of ['berth-redis.service', 'berth-controller.service', 'berth-router.service']) {
      assert.match(unit(name), /^ProtectSystem=strict$/m, name)
      assert.match(unit(name), /^CapabilityBoundingSet=/m, name)
    }
    assert.match(unit('berth-redis.service'), /^ReadWritePaths=-\/srv\/berth\/redis$/m)
  })

  it('C15 has each part speak to the embedded Redis as a user of its own', () => {
    const redis = unit('berth-redis.service')
    assert.match(redis, /^ExecStartPre=\S+ \S+\/scripts\/store-users\.ts$/m)
    assert.match(redis, /^ExecStart=redis-server .* --aclfile \/srv\/berth\/redis\/users\.acl$/m)
    assert.match(redis, /^UMask=0077$/m)
    for (const role of ['controller', 'router'] as const)
      assert.match(unit(`berth-${role}.service`), new RegExp(`^EnvironmentFile=-/srv/berth/redis/${role}\\.env$`, 'm'))
    assert.doesNotMatch(unit('berth-agent.service'), /redis\/\w+\.env/)
    const elsewhere = units('controller', { ...settings, BERTH_REDIS_URL: 'redis://store:6379' })
    assert.doesNotMatch(elsewhere.map(({ text }) => text).join('\n'), /redis\/\w+\.env|store-users/)
  })

  it("leaves an agent's instances alone when the agent ends, and its mounts where its successor finds them", () => {
    const agent = unit('berth-agent.service')
    assert.match(agent, /^KillMode=process$/m)
    assert.match(agent, /^SendSIGKILL=no$/m)
    // Each of these would give it a mount namespace, or its tenants a filter of system calls.
    assert.doesNotMatch(agent, /Protect|Private|ReadWritePaths|SystemCall|RestrictNamespaces|RestrictSUIDSGID/)
  })

  it('writes settings and words so that systemd reads them as they are', () => {
    assert.equal(quoted('/usr/bin/node'), '/usr/bin/node')
    assert.equal(quoted('a "b" 50% $x \\'), '"a \\"b\\" 50%% $$x \\\\"')
    assert.match(environmentFile({ BERTH_A: 'p"a$s\\`w' }), /^BERTH_A="p\\"a\\\$s\\\\\\`w"$/m)
    assert.throws(() => environmentFile({ BERTH_A: 'x\nBERTH_B=y' }), /BERTH_A holds a line end/)
  })

  it('is understood by systemd', async function () {
    if (!existsSync(ANALYZE)) return this.skip()
    const into = join(folder, 'units')
    const done = install(['--into', into], { BERTH_HOME: join(folder, 'home'), BERTH_CACHE: join(folder, 'cache') })
    assert.equal(done.status, 0, done.stderr)
    const systemd = join(into, 'etc/systemd/system')
    const files = (await readdir(systemd)).map((name) => join(systemd, name))
    assert.equal(files.length, 5)
    const { status, stderr } = spawnSync(ANALYZE, ['verify', '--man=no', ...files], {
      encoding: 'utf8',
      env: { ...process.env, SYSTEMD_UNIT_PATH: `${systemd}:/lib/systemd/system` },
    })
    const about = stderr.split('\n').filter((line) => /berth/.test(line))
    assert.deepEqual([status, about], [0, []], stderr)
    assert.equal((await stat(join(into, 'etc/berth/berth.env'))).mode & 0o777, 0o600)
  })

  it('adds a host with its controller and token, prints without secrets, and keeps settings that were there', async () => {
    const token = join(folder, 'join-token')
    await writeFile(token, `berth_j-aaaaaaaaaaaaa_${'0'.repeat(64)}_${'f'.repeat(64)}\n`)
    const env = { BERTH_HOME: '/srv/b', BERTH_REDIS_URL: 'rediss://:hunter2@store:6379', BERTH_TOKEN: 'mine' }
    const args = ['--role', 'agent', '--controller', 'https://berth.internal:4001', '--token-file', token]
    const dry = install([...args, '--dry-run'], env)
    assert.equal(dry.status, 0, dry.stderr)
    assert.match(dry.stdout, /berth-agent\.service[^]*BERTH_CONTROLLER_URL="https:\/\/berth\.internal:4001"/)
    assert.doesNotMatch(dry.stdout, /hunter2|mine|0{64}/)
    const into = join(folder, 'host')
    for (let time = 0; time < 2; time++) assert.equal(install([...args, '--into', into], env).status, 0)
    assert.match(
      await readFile(join(into, 'etc/berth/berth.env'), 'utf8'),
      /BERTH_REDIS_URL="rediss:\/\/:hunter2@store:6379"/,
    )
    assert.ok(existsSync(join(into, 'etc/berth/berth.env.old')))
    assert.equal((await stat(join(into, 'srv/b/join-token'))).mode & 0o777, 0o600)
  })

  it('says in one sentence what is missing', () => {
    const wrong: [string[], Record<string, string>, RegExp][] = [
      [['--role', 'node'], {}, /--role must be one of all, controller, router, agent, got "node"/],
      [['--role', 'agent'], {}, /set BERTH_REDIS_URL/],
      [['--role', 'agent'], { BERTH_REDIS_URL: 'redis://r' }, /give --controller URL/],
      [['--token-file', '/nonexistent/token'], {}, /no such file/],
      [['--dry-run'], { BERTH_API_PORT: 'x' }, /BERTH_API_PORT must be a port number/],
    ]
    for (const [args, env, why] of wrong) {
      const { status, stderr } = install(args, env)
      assert.equal(status, 1, args.join(' '))
      assert.match(stderr, why)
    }
  })
})
