import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { AppView } from '#core/contract/api.ts'
import { aPerson, ok, startFakeApi, type FakeApi, type Person } from './harness.ts'

const anApp = (api: FakeApi, name: string) =>
  ({ name, url: `http://${name}.localhost:8080`, gitUrl: `${api.url}/git/${name}.git` }) as AppView

describe('berth and git', function () {
  this.timeout(30_000)
  let api: FakeApi
  let person: Person

  beforeEach(async () => {
    api = await startFakeApi()
    person = await aPerson({ BERTH_API_URL: api.url, BERTH_TOKEN: 'secret' }, { asProcess: true })
    for (const name of ['hello', 'other']) api.answers[`GET /v1/apps/${name}`] = ok(anApp(api, name))
  })
  afterEach(async () => {
    await api.stop()
    await person.leave()
  })

  /** What git would use for a push to the URL: its helpers' answer, or nothing. */
  const askGit = (url: string): string => {
    const { protocol, host } = new URL(url)
    return spawnSync('git', ['credential', 'fill'], {
      cwd: person.home,
      env: person.env,
      input: `protocol=${protocol.slice(0, -1)}\nhost=${host}\n\n`,
      encoding: 'utf8',
    }).stdout
  }

  it('adds the remote, and git gets the token as the password without asking', async () => {
    person.git(['init', '-q'])
    const ran = await person.berth(['git:remote', '-a', 'hello'])
    assert.equal(ran.code, 0, ran.stderr)
    assert.equal(person.git(['remote', 'get-url', 'berth']).trim(), `${api.url}/git/hello.git`)
    assert.match(askGit(api.url), /^username=berth\npassword=secret$/m)
  })

  it('updates a remote that exists, without piling up settings, and can name another', async () => {
    person.git(['init', '-q'])
    await person.berth(['git:remote', '-a', 'hello'])
    await person.berth(['git', 'remote', '-a', 'other'])
    await person.berth(['git:remote', '-a', 'hello', '-r', 'staging'])
    assert.equal(person.git(['remote', 'get-url', 'berth']).trim(), `${api.url}/git/other.git`)
    assert.equal(person.git(['remote', 'get-url', 'staging']).trim(), `${api.url}/git/hello.git`)
    const helpers = person.git(['config', '--local', '--get-all', `credential.${api.url}.helper`]).split('\n')
    assert.equal(helpers.length, 3, helpers.join('|'))
  })

  it('works from a subfolder, and takes the app from the remote afterwards', async () => {
    person.git(['init', '-q'])
    const cwd = join(person.home, 'sub')
    await mkdir(cwd)
    await person.berth(['git:remote', '-a', 'hello'], { cwd })
    const ran = await person.berth(['info', '--json'], { cwd })
    assert.deepEqual(JSON.parse(ran.stdout), anApp(api, 'hello'))
  })

  it('fails outside a repository', async () => {
    const ran = await person.berth(['git:remote', '-a', 'hello'])
    assert.equal(ran.code, 1)
    assert.match(ran.stderr, /git init/)
  })

  it('adds the remote at create, but never changes one that is there', async () => {
    api.answers['POST /v1/apps'] = (response, seen) =>
      ok(anApp(api, (seen.body as { name: string }).name), 201)(response, seen)
    person.git(['init', '-q'])
    const first = await person.berth(['apps', 'create', 'hello'])
    assert.match(first.stdout, /Address: +http:\/\/hello\.localhost:8080/)
    await person.berth(['create', 'other'])
    assert.equal(person.git(['remote', 'get-url', 'berth']).trim(), `${api.url}/git/hello.git`)
  })

  it('gives the token to no other host, scheme or port', async () => {
    const { host } = new URL(api.url)
    const questions = [
      `protocol=https\nhost=${host}\n`,
      'protocol=http\nhost=127.0.0.1\n',
      `protocol=http\nhost=${host}.evil.example\n`,
      'protocol=http\n',
      '',
    ]
    for (const input of questions) {
      const ran = await person.berth(['git:credentials', 'get'], { input })
      assert.deepEqual([ran.code, ran.stdout], [0, ''], input)
    }
    const asked = await person.berth(['git:credentials', 'get'], { input: `protocol=http\nhost=${host}\n\n` })
    assert.equal(asked.stdout, 'username=berth\npassword=secret\n')
  })

  it('has nothing to say to store and erase, nor without a login', async () => {
    const { host } = new URL(api.url)
    const input = `protocol=http\nhost=${host}\n\n`
    for (const operation of ['store', 'erase'])
      assert.equal((await person.berth(['git:credentials', operation], { input })).stdout, '')
    const ran = await person.berth(['git:credentials', 'get'], { input, env: { BERTH_TOKEN: '' } })
    assert.deepEqual([ran.code, ran.stdout], [0, ''])
  })
})
