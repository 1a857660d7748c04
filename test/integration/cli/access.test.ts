import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startApi, type TestApi } from '../../helpers/api.ts'
import { aPersonOf, codeOf, aSignedIn, PASSWORD } from '../../helpers/people.ts'
import { loginLink } from '../../../scripts/up/login-link.ts'
import { aPerson, type Person } from './harness.ts'

describe('berth, for who may what', function () {
  this.timeout(60_000)
  let api: TestApi
  let operator: Person
  let person: Person

  before(async () => {
    api = await startApi()
    await api.member('acme')
    operator = await aPerson({ BERTH_API_URL: api.url, BERTH_TOKEN: api.operator })
  })
  beforeEach(async () => {
    person = await aPerson()
  })
  afterEach(() => person.leave())
  after(async () => {
    await operator.leave()
    await api.stop()
  })

  const done = async (by: Person, args: string[], input?: string) => {
    const ran = await by.berth(args, input === undefined ? {} : { input })
    assert.equal(ran.code, 0, `${args.join(' ')}: ${ran.stderr}`)
    return ran.stdout
  }

  it('logs in by e-mail address and password to a token of this machine, which logging out revokes', async () => {
    await aPersonOf(api, 'ann@example.com', { tenant: 'acme', role: 'owner' })
    const login = ['login', '--email', 'ann@example.com', '--api-url', api.url]
    const wrong = await person.berth(login, { input: 'not the password' })
    assert.deepEqual([wrong.code, /WRONG_LOGIN/.test(wrong.stderr)], [3, true])
    const said = await done(person, [...login, '--expires', '12h'], PASSWORD)
    assert.match(said, /ann@example\.com \(berth login on .*\) \(owner of acme, until 20/)
    assert.ok(!said.includes(PASSWORD))
    const file = join(person.home, '.config/berth/credentials.json')
    const { token } = JSON.parse(await readFile(file, 'utf8')) as { token: string }
    assert.match(await done(person, ['whoami']), /owner of acme/)
    const listed = await done(person, ['tokens'])
    assert.match(listed, /ann@example\.com +all of the account/)
    assert.match(await done(person, ['logout']), /revoked/)
    assert.equal((await api.call(token, 'GET', '/v1/whoami')).status, 401)
  })

  it('asks an operator with a second factor for its code, and says when there is none yet', async () => {
    const { browser } = await aSignedIn(api, 'root@example.com', { operator: true })
    const login = ['login', '--email', 'root@example.com', '--api-url', api.url]
    const without = await person.berth(login, { input: PASSWORD })
    assert.match(without.stderr, /FORBIDDEN|UNAUTHENTICATED|account:totp/)
    const secret = (await browser.call('POST', '/v1/account/totp', {})).body.secret as string
    await browser.call('POST', '/v1/account/totp/confirm', { code: codeOf(secret) })
    const missing = await person.berth(login, { input: PASSWORD })
    assert.match(missing.stderr, /TOTP_REQUIRED/)
    const said = await done(person, [...login, '--totp', codeOf(secret, 1)], PASSWORD)
    assert.match(said, /\(operator, until/)
    assert.match(await done(person, ['users']), /root@example\.com .* yes/)
  })

  it('invites, lists, changes and removes members', async () => {
    const link = await done(operator, ['invite', 'bob@example.com', '--tenant', 'acme', '--role', 'viewer'])
    assert.match(link, /\/login\?invitation=n-[a-z2-7]{13}\.[\w-]{43}\n$/)
    assert.match(await done(operator, ['invitations', '--tenant', 'acme']), /bob@example\.com +viewer of acme/)
    const [id = ''] = /n-[a-z2-7]{13}/.exec(link) ?? []
    await done(operator, ['invitations:revoke', id, '--all'])
    await aPersonOf(api, 'cid@example.com')
    await done(operator, ['members:add', 'cid@example.com', '--tenant', 'acme'])
    await done(operator, ['members:role', 'cid@example.com', 'viewer', '--tenant', 'acme'])
    assert.match(await done(operator, ['members', '--tenant', 'acme']), /cid@example\.com .* viewer/)
    await done(operator, ['members:remove', 'cid@example.com', '--tenant', 'acme'])
    assert.doesNotMatch(await done(operator, ['members', '--tenant', 'acme']), /cid@/)
    const wrong = await operator.berth(['members:role', 'cid@example.com', 'boss', '--tenant', 'acme'])
    assert.deepEqual([wrong.code, wrong.stderr], [2, 'A role is viewer, member or owner, not "boss".\n'])
  })

  it('makes accounts, links and narrow tokens', async () => {
    const link = await done(operator, ['users:create', 'dan@example.com', '--name', 'Dan'])
    assert.match(link, /\/login\?once=[\w-]{43}\n$/)
    await done(operator, ['users:set', 'dan@example.com', '--operator'])
    assert.match(await done(operator, ['users']), /dan@example\.com +Dan +yes/)
    await done(operator, ['users:set', 'dan@example.com', '--no-operator'])
    assert.match(await done(operator, ['users:link', 'dan@example.com']), /once=/)
    assert.match(await done(operator, ['login:link']), /once=/)
    await done(operator, ['users:remove', 'dan@example.com'])
    await done(operator, ['create', 'narrow', '--tenant', 'acme'])
    const create = ['tokens:create', 'ci', '--for-app', 'narrow', '--role', 'member', '--read-only', '--expires', '90d']
    const token = (await done(operator, create)).trim()
    const who = await api.call(token, 'GET', '/v1/whoami')
    assert.deepEqual([who.body.app, who.body.readOnly, who.body.memberships[0].role], ['narrow', true, 'member'])
    assert.equal((await operator.berth([...create.slice(0, 2), '--expires', 'soon'])).code, 2)
  })

  it('ends `npm run up` with a link that signs the operator in', async () => {
    const at = { apiAddress: '127.0.0.1', apiPort: Number(new URL(api.url).port) }
    const link = await loginLink({ home: api.home, ...at })
    const code = new URL(link ?? '').searchParams.get('once')
    assert.equal((await api.call(null, 'POST', '/v1/session/once', { code })).body.operator, true)
    assert.equal(await loginLink({ home: '/nowhere', ...at }), null)
  })
})
