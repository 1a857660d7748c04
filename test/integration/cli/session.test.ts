import assert from 'node:assert/strict'
import { mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { spawnSync } from 'node:child_process'
import { aPerson, launcher, ok, problem, startFakeApi, type FakeApi, type Person } from './harness.ts'

const ann = {
  ...{ actor: 'ann', tenant: 'acme', operator: false, user: null, app: null, readOnly: false, expiresAt: null },
  memberships: [{ tenant: 'acme', role: 'member' }],
}

describe('berth, logging in and failing', function () {
  this.timeout(30_000)
  let api: FakeApi
  let person: Person

  beforeEach(async () => {
    api = await startFakeApi()
    person = await aPerson({}, { asProcess: true })
    api.answers['GET /v1/whoami'] = ok(ann)
  })
  afterEach(async () => {
    await api.stop()
    await person.leave()
  })

  it('saves a token that was piped in, readable by its owner alone, and uses it from then on', async () => {
    const login = await person.berth(['login', '--api-url', api.url], { input: 'secret-1\n' })
    assert.deepEqual([login.code, login.stderr], [0, ''])
    assert.match(login.stdout, /as ann \(member of acme\)/)
    const file = join(person.home, '.config/berth/credentials.json')
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), { apiUrl: api.url, token: 'secret-1' })
    const who = await person.berth(['whoami', '--json'])
    assert.deepEqual(JSON.parse(who.stdout), ann)
    assert.equal(api.seen.at(-1)?.headers.authorization, 'Bearer secret-1')
  })

  it('tightens the mode of a credentials file that others could read', async () => {
    const file = join(person.home, 'xdg/berth/credentials.json')
    await mkdir(join(person.home, 'xdg/berth'), { recursive: true })
    await writeFile(file, '{}', { mode: 0o644 })
    const env = { XDG_CONFIG_HOME: join(person.home, 'xdg') }
    const login = await person.berth(['login', '--api-url', api.url, '--token', 'secret-2'], { env })
    assert.equal(login.code, 0, login.stderr)
    assert.equal((await stat(file)).mode & 0o777, 0o600)
  })

  it('saves nothing when the API does not accept the token, and exits 3', async () => {
    api.answers['GET /v1/whoami'] = problem(401, 'UNAUTHENTICATED', 'No valid API token was given.')
    const login = await person.berth(['login', '--api-url', api.url], { input: 'wrong' })
    assert.equal(login.code, 3)
    assert.equal(login.stderr, 'No valid API token was given. (UNAUTHENTICATED, request r-1)\n')
    assert.equal((await person.berth(['whoami'])).code, 3)
  })

  it('forgets the token at logout', async () => {
    await person.berth(['login', '--api-url', api.url], { input: 'secret' })
    assert.equal((await person.berth(['logout'])).code, 0)
    const who = await person.berth(['whoami'])
    assert.deepEqual([who.code, who.stdout], [3, ''])
    assert.match(who.stderr, /berth login/)
  })

  it('exits 1 with the detail, the code and the request when the platform refuses', async () => {
    api.answers['POST /v1/apps'] = problem(409, 'NAME_TAKEN', 'The name "hello" is taken.\x1b[31m Choose another.')
    const env = { BERTH_API_URL: api.url, BERTH_TOKEN: 't' }
    const create = await person.berth(['create', 'hello'], { env })
    assert.deepEqual([create.code, create.stdout], [1, ''])
    assert.equal(create.stderr, 'The name "hello" is taken.\\x1b[31m Choose another. (NAME_TAKEN, request r-1)\n')
  })

  it('exits 2 for wrong usage, before anything is sent', async () => {
    const env = { BERTH_API_URL: api.url, BERTH_TOKEN: 't' }
    const wrong = [
      ['no-such-command'],
      ['config:set', '-a', 'hello'],
      ['config:set', '1=2', '-a', 'hello'],
      ['logs', '-s', 'nowhere', '-a', 'hello'],
      ['logs', '--no-such-option'],
      ['apps:destroy', 'hello'],
      ['ps'],
      ['rollback', 'latest', '-a', 'hello'],
    ]
    for (const args of wrong) {
      const ran = await person.berth(args, { env })
      assert.deepEqual([ran.code, ran.stdout], [2, ''], args.join(' '))
      assert.match(ran.stderr, /\S/)
    }
    assert.deepEqual(api.seen, [])
  })

  it('exits 4 when nothing listens, and when what answers is not Berth', async () => {
    const env = { BERTH_TOKEN: 't' }
    const nobody = await person.berth(['apps'], { env: { ...env, BERTH_API_URL: 'http://127.0.0.1:1' } })
    assert.equal(nobody.code, 4)
    assert.match(nobody.stderr, /nothing listens there/)
    api.answers['GET /v1/apps'] = (response) => void response.writeHead(502).end('<h1>Bad gateway</h1>')
    const proxy = await person.berth(['apps'], { env: { ...env, BERTH_API_URL: api.url } })
    assert.equal(proxy.code, 4)
    assert.match(proxy.stderr, /502/)
  })

  it('does not follow a redirection, which could carry the token away', async () => {
    api.answers['GET /v1/apps'] = (response) => void response.writeHead(307, { location: '/v1/elsewhere' }).end()
    const ran = await person.berth(['apps'], { env: { BERTH_API_URL: api.url, BERTH_TOKEN: 't' } })
    assert.equal(ran.code, 4)
    assert.equal(api.seen.length, 1)
  })

  it('documents its exit codes, and shows examples for each command', async () => {
    const help = await person.berth(['--help'])
    assert.equal(help.code, 0)
    assert.match(help.stdout, /Exit codes .*: 0 done, 1 .*, 2 .*, 3 .*, 4 /)
    const scale = await person.berth(['ps', 'scale', '--help'])
    assert.match(scale.stdout, /\$ berth scale web=2/)
  })

  it('starts through a chain of symbolic links, from any folder', async () => {
    await mkdir(join(person.home, 'bin'))
    await symlink(launcher, join(person.home, 'bin/one'))
    await symlink('one', join(person.home, 'bin/two'))
    const ran = spawnSync('two', ['version'], {
      cwd: '/',
      env: { PATH: `${join(person.home, 'bin')}:${process.env['PATH']}` },
      encoding: 'utf8',
    })
    assert.match(ran.stdout, /^berth \d+\.\d+\.\d+\n$/)
  })

  it('says what to do when its dependencies are not installed', async () => {
    await mkdir(join(person.home, 'checkout/bin'), { recursive: true })
    const copy = join(person.home, 'checkout/bin/berth')
    await writeFile(copy, await readFile(launcher), { mode: 0o755 })
    const ran = spawnSync(copy, [], { encoding: 'utf8' })
    assert.equal(ran.status, 1)
    assert.equal(ran.stderr, `Berth's dependencies are not installed: run npm ci in ${join(person.home, 'checkout')}\n`)
  })
})
