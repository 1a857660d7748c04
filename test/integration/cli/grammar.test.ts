import assert from 'node:assert/strict'
import { aPerson, ok, problem, startFakeApi, type FakeApi, type Person } from './harness.ts'

describe('berth, reading what was typed', function () {
  this.timeout(60_000)
  let api: FakeApi
  let person: Person

  before(async () => {
    api = await startFakeApi()
    person = await aPerson({ BERTH_API_URL: api.url, BERTH_TOKEN: 't' })
  })
  after(async () => {
    await api.stop()
    await person.leave()
  })
  beforeEach(() => {
    api.answers = {}
    api.seen.splice(0)
  })

  it('answers a command, an option and an app that there are not with the nearest, and exits 2 or 1', async () => {
    const command = await person.berth(['config', 'st', 'A=1'])
    assert.deepEqual(
      [command.code, command.stderr],
      [2, 'There is no command config:st. Did you mean config:set? See: berth help config\n'],
    )
    const option = await person.berth(['logs', '--tial'])
    assert.deepEqual(
      [option.code, option.stderr],
      [2, "Unknown option '--tial'. Did you mean --tail? See: berth help logs\n"],
    )
    const missing = problem(404, 'NOT_FOUND', 'There is no app "shpo" here, or it is not yours.')
    api.answers['GET /v1/apps/shpo/releases'] = missing
    api.answers['GET /v1/apps'] = ok({ apps: [{ name: 'shop' }, { name: 'blog' }] })
    const app = await person.berth(['releases', '-a', 'shpo'])
    assert.equal(app.code, 1)
    assert.match(app.stderr, /^There is no app "shpo" here.* Did you mean shop\?$/m)
  })

  it('shows a topic’s commands for the topic alone, and with --json as data', async () => {
    const topic = await person.berth(['git'])
    assert.deepEqual([topic.code, topic.stderr], [0, ''])
    assert.match(topic.stdout, /^Commands of git:\n {2}git:remote {2}\S/)
    const help = await person.berth(['help', 'builds', 'cache'])
    assert.match(help.stdout, /builds:cache:purge/)
    assert.match((await person.berth(['help', 'config'])).stdout, /Commands of config:\n {2}config:get <key>/)
    const all = JSON.parse((await person.berth(['commands', '--json'])).stdout) as { commands: { name: string }[] }
    assert.ok(all.commands.some(({ name }) => name === 'config:set'))
    assert.equal(
      all.commands.some(({ name }) => name === 'git:credentials'),
      false,
    )
  })

  it('takes the app of BERTH_APP after -a and -r, and before the git remotes', async () => {
    api.answers['GET /v1/apps/one/config'] = ok({ config: { WHO: 'one' } })
    api.answers['GET /v1/apps/two/config'] = ok({ config: { WHO: 'two' } })
    api.answers['GET /v1/apps/three/config'] = ok({ config: { WHO: 'three' } })
    person.git(['init', '-q'])
    person.git(['remote', 'add', 'berth', `${api.url}/git/two.git`])
    person.git(['remote', 'add', 'staging', `${api.url}/git/three.git`])
    const who = async (...args: string[]) =>
      (await person.berth(['config:get', 'WHO', ...args], { env: { BERTH_APP: 'one' } })).stdout
    assert.equal(await who(), 'one\n')
    assert.equal(await who('-a', 'two'), 'two\n')
    assert.equal(await who('-r', 'staging'), 'three\n')
    assert.equal((await person.berth(['config:get', 'WHO'])).stdout, 'two\n')
    const wrong = await person.berth(['config:get', 'WHO'], { env: { BERTH_APP: '../x' } })
    assert.deepEqual([wrong.code, /BERTH_APP/.test(wrong.stderr)], [2, true])
  })

  it('says that its version and the server’s differ, and how they come together', async () => {
    api.answers['GET /v1/version'] = ok({ version: '99.0.0', cli: '/cli.tgz' })
    const ran = await person.berth(['version'])
    assert.match(ran.stdout, /^berth \d+\.\d+\.\d+\nserver 99\.0\.0 at http/)
    assert.match(ran.stderr, /^They differ\. This is a checkout; update it with: git pull && npm ci$/m)
    const update = JSON.parse((await person.berth(['update', '--json'])).stdout) as { isCurrent: boolean }
    assert.equal(update.isCurrent, false)
    api.seen.splice(0)
    assert.match((await person.berth(['--version'])).stdout, /^berth \S+\n$/)
    assert.equal(api.seen.length, 0)
  })
})
