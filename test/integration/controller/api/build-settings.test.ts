import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { giveWork, type TestAgent } from '../../../helpers/agents.ts'
import { startApi, type TestApi } from '../../../helpers/api.ts'

const run = promisify(execFile)
const FIXTURES = join(import.meta.dirname, '../../../fixtures/buildpacks')

describe('how an app is built, over the API', function () {
  this.timeout(60_000)
  let api: TestApi
  let member: string
  before(async () => {
    api = await startApi()
    member = await api.member('acme')
    await api.call(member, 'POST', '/v1/apps', { name: 'hello' })
    const offered = join(api.home, 'buildpacks')
    await mkdir(offered)
    await cp(join(FIXTURES, 'exports'), join(offered, 'exports'), { recursive: true })
    await mkdir(join(offered, 'Not A Name'))
    await writeFile(join(offered, 'a-file'), '')
    const work = join(offered, 'versioned')
    await cp(join(FIXTURES, 'profile'), work, { recursive: true })
    const git = (...args: string[]) =>
      run('git', ['-C', work, '-c', 'user.name=T', '-c', 'user.email=t@example.invalid', ...args])
    await git('init', '--quiet', '--initial-branch=main')
    await git('add', '--all')
    await git('commit', '--quiet', '--message', 'one')
    await git('tag', 'v1')
    await writeFile(join(work, 'only-in-two'), '')
    await git('add', '--all')
    await git('commit', '--quiet', '--message', 'two')
    await writeFile(join(work, 'never-committed'), '')
  })
  after(() => api?.stop())

  const patch = (body: object) => api.call(member, 'PATCH', '/v1/apps/hello/build', body)

  it('begins with nothing set, and says what there is', async () => {
    const { status, body } = await api.call(member, 'GET', '/v1/apps/hello/build')
    assert.equal(status, 200)
    assert.deepEqual([body.buildpacks, body.root, body.branch], [[], null, null])
    assert.ok((body.available as { own: string[] }).own.includes('node'))
    assert.deepEqual(body.available.offered, ['exports', 'versioned'])
  })

  it('keeps what is set, part by part, shows it with the app, and tells it as an event', async () => {
    const set = await patch({ buildpacks: ['heroku/nodejs', 'exports', 'https://example.com/x.git#v2'] })
    assert.equal(set.status, 200)
    assert.deepEqual(set.body.buildpacks, ['node', 'exports', 'https://example.com/x.git#v2'])
    assert.equal((await patch({ root: './apps/web/', branch: 'refs/heads/production' })).status, 200)
    const { body } = await api.call(member, 'GET', '/v1/apps/hello')
    assert.deepEqual(body.build, {
      buildpacks: ['node', 'exports', 'https://example.com/x.git#v2'],
      root: 'apps/web',
      branch: 'production',
    })
    const { events } = (await api.call(member, 'GET', '/v1/apps/hello/events')).body
    assert.match(String(events[0].text), /the root folder is apps\/web; production deploys/)
    assert.equal((await patch({ root: null, branch: null, buildpacks: [] })).body.root, null)
  })

  const wrongs: [what: string, body: object, says: RegExp][] = [
    [
      'a name that nobody offers',
      { buildpacks: ['nodejs'] },
      /There is no buildpack "nodejs"\. Berth has node, .*; the operator offers exports, versioned; any other is named by its https URL/,
    ],
    ['a file URL', { buildpacks: ['file:///etc'] }, /is not an https URL/],
    ['an ssh URL', { buildpacks: ['ssh://git@example.com/x.git'] }, /is not an https URL/],
    ['one twice', { buildpacks: ['node', 'heroku/nodejs'] }, /The buildpack node is named twice/],
    ['a root above the repository', { root: '../x' }, /cannot be an app's root folder: .*without "\.\."/],
    ['an absolute root', { root: '/etc' }, /cannot be an app's root folder/],
    ['a branch that is an option', { branch: '--upload-pack=x' }, /cannot be the name of a branch/],
    ['a setting that there is not', { rot: 'x' }, /rot/],
    ['too many', { buildpacks: Array.from({ length: 21 }, (_, n) => `https://example.com/${n}.git`) }, /buildpacks/],
  ]
  for (const [what, body, says] of wrongs)
    it(`refuses ${what} with the reason`, async () => {
      const answer = await patch(body)
      assert.equal(answer.status, 400)
      assert.match(String(answer.body.detail), says)
    })

  it('credentials in a URL are refused and repeated nowhere', async () => {
    const { status, body } = await patch({ buildpacks: ['https://me:hunter2@example.com/x.git'] })
    assert.equal(status, 400)
    assert.doesNotMatch(JSON.stringify(body), /hunter2/)
  })

  it('is not another tenant’s to see or change', async () => {
    const other = await api.member('other')
    for (const method of ['GET', 'PATCH'])
      assert.equal(
        (await api.call(other, method, '/v1/apps/hello/build', method === 'PATCH' ? {} : undefined)).status,
        404,
      )
  })

  describe('and buildpacks that the operator offers', () => {
    let agent: TestAgent
    before(async () => {
      agent = await api.agentOf('host-a')
      await giveWork(api.context, 'host-a')
    })

    async function names(path: string): Promise<string> {
      const answer = await agent.call('GET', `/internal/buildpacks/${path}`)
      assert.equal(answer.status, 200, path)
      const file = join(api.home, 'fetched.tar')
      await writeFile(file, answer.bytes)
      return (await run('tar', ['-tvf', file])).stdout
    }

    it('reach agents as archives, with programs that can be executed', async () => {
      assert.match(await names('exports'), /^-rwxr-xr-x \S+ .* \.\/bin\/compile$/m)
    })

    it('that are git repositories are what was committed, at any ref', async () => {
      const head = await names('versioned')
      assert.match(head, /only-in-two/)
      assert.doesNotMatch(head, /never-committed|\.git\b/)
      assert.doesNotMatch(await names('versioned?ref=v1'), /only-in-two/)
    })

    it('are for agents alone, and nothing else of the machine is', async () => {
      assert.equal((await api.call(member, 'GET', '/internal/buildpacks/exports')).status, 404)
      for (const path of [
        'none',
        '..%2flayers',
        'a-file',
        'versioned?ref=gone',
        'versioned?ref=--output=x',
        'exports?ref=v1',
      ])
        assert.equal((await agent.call('GET', `/internal/buildpacks/${path}`)).status, 404, path)
    })
  })
})
