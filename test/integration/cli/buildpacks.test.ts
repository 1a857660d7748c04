import assert from 'node:assert/strict'
import type { BuildSettingsView } from '#core/contract/api.ts'
import { aPerson, ok, startFakeApi, type FakeApi, type Person } from './harness.ts'

const settings: BuildSettingsView = {
  buildpacks: ['node', 'base'],
  root: null,
  branch: null,
  available: { own: ['node', 'python'], offered: ['base'] },
}

describe('berth, on how an app is built', function () {
  this.timeout(60_000)
  let api: FakeApi
  let person: Person

  beforeEach(async () => {
    api = await startFakeApi()
    person = await aPerson({ BERTH_API_URL: api.url, BERTH_TOKEN: 't' })
    api.answers['GET /v1/apps/shop/build'] = ok(settings)
    api.answers['PATCH /v1/apps/shop/build'] = async (response, seen) =>
      ok({ ...settings, ...(seen.body as object) })(response, seen)
  })
  afterEach(async () => {
    await api.stop()
    await person.leave()
  })

  const berth = (...args: string[]) => person.berth([...args, '-a', 'shop'])
  const patched = () => api.seen.find(({ method }) => method === 'PATCH')?.body

  it('lists what is set by its places, and what there is', async () => {
    const { code, stdout, stderr } = await berth('buildpacks')
    assert.equal(code, 0, stderr)
    assert.equal(stdout, '1. node\n2. base\n')
    assert.match(stderr, /Berth has node, python; the operator offers base; others by their URL/)
    assert.deepEqual(JSON.parse((await berth('buildpacks', '--json')).stdout), settings)
    api.answers['GET /v1/apps/shop/build'] = ok({ ...settings, buildpacks: [] })
    assert.match((await berth('buildpacks')).stdout, /shop has no buildpacks set: what its source looks like decides/)
  })

  const changes: [args: string[], buildpacks: string[]][] = [
    [['buildpacks:set', 'python'], ['python']],
    [
      ['buildpacks:set', 'https://example.com/x.git#v1', 'python'],
      ['https://example.com/x.git#v1', 'python'],
    ],
    [
      ['buildpacks:set', 'python', '--index', '2'],
      ['node', 'python'],
    ],
    [
      ['buildpacks:add', 'python'],
      ['node', 'base', 'python'],
    ],
    [
      ['buildpacks:add', 'python', '-i', '1'],
      ['python', 'node', 'base'],
    ],
    [
      ['buildpacks:add', 'python', '-i', '3'],
      ['node', 'base', 'python'],
    ],
    [['buildpacks:remove', 'node'], ['base']],
    [['buildpacks:remove', '--index', '2'], ['node']],
    [['buildpacks:clear'], []],
  ]
  for (const [args, buildpacks] of changes)
    it(`${args.join(' ')} makes of node and base: ${buildpacks.join(', ') || 'nothing'}`, async () => {
      const { code, stderr } = await berth(...args)
      assert.equal(code, 0, stderr)
      assert.deepEqual(patched(), { buildpacks })
      assert.match(stderr, /It takes effect with the next push/)
    })

  const wrongs: [args: string[], code: number, says: RegExp][] = [
    [['buildpacks:set', 'a', '--index', '3'], 2, /from 1 to 2; got "3"/],
    [['buildpacks:set', 'a', 'b', '--index', '1'], 2, /name one/],
    [['buildpacks:add', 'a', '--index', '0'], 2, /from 1 to 3; got "0"/],
    [['buildpacks:remove', 'python'], 1, /shop has no buildpack python\. It has: node, base\./],
    [['buildpacks:remove'], 2, /Name a buildpack, or give its --index/],
    [['apps:set', 'colour=red'], 2, /"colour" is no setting of an app; there are root and branch/],
    [['apps:set', 'root'], 2, /root is set as root=VALUE; an empty value, or apps:unset root, takes it back/],
  ]
  for (const [args, code, says] of wrongs)
    it(`${args.join(' ')} is refused with the reason`, async () => {
      const ran = await berth(...args)
      assert.equal(ran.code, code)
      assert.match(ran.stderr, says)
      assert.equal(patched(), undefined)
    })

  it('sets the root folder and the branch, and takes them back', async () => {
    const { code, stdout, stderr } = await berth('apps:set', 'root=apps/web', 'branch=production')
    assert.equal(code, 0, stderr)
    assert.deepEqual(patched(), { root: 'apps/web', branch: 'production' })
    assert.match(stdout, /Root folder:? +apps\/web\nDeploys from:? +production/)
    api.seen.length = 0
    await berth('apps:unset', 'root', 'branch')
    assert.deepEqual(patched(), { root: null, branch: null })
  })
})
