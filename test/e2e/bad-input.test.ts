import assert from 'node:assert/strict'
import { startWorld, type World } from '#test/helpers/world.ts'

describe('Bad input gets a clear error, and nothing is lost', () => {
  let world: World
  before(async function () {
    this.timeout(180_000)
    world = await startWorld({
      env: { BERTH_BOOT_TIMEOUT: '6', BERTH_BUILD_TIMEOUT: '25', BERTH_BUILD_DISK_MB: '300' },
    })
    await world.cli(['create', 'good'])
    const { code, output } = await world.pushApp('good', 'node-plain')
    assert.equal(code, 0, output)
  })
  after(async function () {
    this.timeout(60_000)
    await world?.stop()
  })
  afterEach('the release before serves on', async () => {
    assert.equal((await world.http('good', '/')).status, 200)
  })

  const pushes: { fixture: string; says: RegExp }[] = [
    { fixture: 'no-language', says: /looked for package\.json[\s\S]*looked for[\s\S]*No buildpack accepts/ },
    { fixture: 'failing-npm-ci', says: /npm ci[\s\S]*step of the build failed/ },
    { fixture: 'exits-at-once', says: /web\.1 exited with code 1 before it was ready/ },
    { fixture: 'never-listens', says: /did not listen on \$PORT \(5000\) within 6 s/ },
    { fixture: 'wrong-port', says: /listens on port 3999 instead of \$PORT/ },
    { fixture: 'fills-disk', says: /more than its 300 MB of disk/ },
    { fixture: 'slow-build', says: /took longer than 25 s/ },
  ]
  for (const { fixture, says } of pushes) {
    it(`fails the push of ${fixture} and says why`, async function () {
      this.timeout(90_000)
      const { code, output } = await world.pushApp('good', fixture)
      assert.notEqual(code, 0, output)
      assert.match(output, says)
      const { body } = await world.api('GET', '/v1/apps/good/deploys')
      assert.equal((body as { deploys: { state: string }[] }).deploys[0]?.state, 'failed')
    })
  }

  it('refuses a push of an empty commit and of a deletion, and only stores another branch', async function () {
    this.timeout(60_000)
    const empty = await world.pushApp('good', null)
    assert.notEqual(empty.code, 0)
    assert.match(empty.output, /no files/)
    const branch = await world.pushApp('good', 'node-plain', { ref: 'HEAD:refs/heads/feature' })
    assert.equal(branch.code, 0, branch.output)
    assert.match(branch.output, /Stored, not deployed: .*feature/)
    const deletion = await world.pushApp('good', 'node-plain', { ref: ':refs/heads/main' })
    assert.notEqual(deletion.code, 0)
  })

  it('ends two pushes at once one after the other, and the app serves one of them', async function () {
    this.timeout(120_000)
    const results = await Promise.all(
      [1, 2].map((n) => world.pushApp('good', 'node-plain', { change: { 'which.txt': String(n) } })),
    )
    assert.ok(
      results.some(({ code }) => code === 0),
      results.map(({ output }) => output).join('\n'),
    )
    for (const { code, output } of results) if (code !== 0) assert.match(output, /main has moved/)
    const { deploys } = (await world.api('GET', '/v1/apps/good/deploys')).body as { deploys: { state: string }[] }
    assert.ok(deploys.every(({ state }) => state === 'succeeded' || state === 'failed'))
  })

  it('names what is wrong with an app’s name', async () => {
    for (const [name, says] of [
      ['good', /taken/],
      ['api', /reserved/],
      ['Bad_Name', /lower-case letters/],
      ['-x', /lower-case letters/],
      ['x'.repeat(31), /2 to 30/],
    ] as const) {
      const { status, body } = await world.api('POST', '/v1/apps', { name })
      assert.ok(status === 409 || status === 422, `${name}: ${status}`)
      assert.match((body as { detail: string }).detail, says)
    }
  })

  it('C01: answers a wrong token with 401 whether the app exists or not', async () => {
    const ask = async (path: string) => {
      const response = await fetch(`${world.apiUrl}${path}`, { headers: { authorization: 'Bearer berth_x_y' } })
      const { requestId: _, ...problem } = (await response.json()) as Record<string, unknown>
      return { status: response.status, problem }
    }
    const [there, notThere] = [await ask('/v1/apps/good'), await ask('/v1/apps/nothing-here')]
    assert.equal(there.status, 401)
    assert.deepEqual(there, notThere)
  })

  it('refuses JSON that is none, too large or has unknown fields, naming them', async () => {
    const post = (body: string) =>
      fetch(`${world.apiUrl}/v1/apps`, {
        method: 'POST',
        body,
        headers: { authorization: `Bearer ${world.token}`, 'content-type': 'application/json' },
      })
    assert.equal((await post('{"name":')).status, 400)
    assert.equal((await post(JSON.stringify({ name: 'x'.repeat(2_000_000) }))).status, 413)
    const unknown = await post(JSON.stringify({ name: 'fine', nmae: 'typo' }))
    assert.equal(unknown.status, 400)
    assert.match(((await unknown.json()) as { detail: string }).detail, /nmae/)
  })
})
