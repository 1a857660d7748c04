/** Apps as files, from one Berth to another: the real command and two real APIs; deploys are played by the test. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ChecksView } from '#core/contract/api.ts'
import type { AppName } from '#core/domain/ids.ts'
import { findApp } from '#core/store/apps.ts'
import { endDeploy, startApi, type Answer, type TestApi } from '#test/helpers/api.ts'
import { liveRelease, storedLayer } from '#test/helpers/releases.ts'
import { aPerson, type Person, type Ran } from './harness.ts'

describe('berth moves apps', function () {
  this.timeout(120_000)
  let here: TestApi
  let there: TestApi
  let person: Person
  /** Of the source of the last deploy, which goes when that is over. */
  let sentBytes: number | null

  before(async () => {
    ;[here, there, person] = await Promise.all([startApi(), startApi(), aPerson()])
    for (const api of [here, there])
      api.play = async (deploy) => {
        sentBytes = await api.context.sources.size(deploy.id)
        await endDeploy(api, deploy, { state: 'succeeded', release: 1 }, ['-----> played'])
      }
    await writeFile(join(person.home, 'passphrase'), 'correct horse battery\n')
    await writeFile(join(person.home, 'wrong'), 'wrong horse battery\n')
    await makeShop()
  })
  after(async () => {
    await person?.leave()
    await Promise.all([here?.stop(), there?.stop()])
  })
  beforeEach(() => {
    here.submitted.length = 0
    there.submitted.length = 0
  })

  const at = (api: TestApi, ...args: string[]) =>
    person.berth(args, { env: { BERTH_API_URL: api.url, BERTH_TOKEN: api.operator } })
  const ask = async (api: TestApi, path: string): Promise<Answer['body']> => {
    const { body } = await api.call(api.operator, 'GET', `/v1/apps/${path}`)
    return body
  }

  function succeeded(ran: Ran): Ran {
    assert.equal(ran.code, 0, ran.stderr)
    return ran
  }

  /** An app with everything that can be set for one. */
  async function makeShop(): Promise<void> {
    const set = async (method: string, path: string, body: unknown) => {
      const answer = await here.call(here.operator, method, `/v1/apps${path}`, body)
      assert.ok(answer.status < 300, JSON.stringify(answer.body))
    }
    await set('POST', '', { name: 'shop' })
    await set('PATCH', '/shop/config', { SECRET: 'of-the-shop', OTHER: 'x' })
    await set('PATCH', '/shop/formation', { web: { count: 2, memoryMb: 256, cpuMilli: 500 } })
    await set('PATCH', '/shop/routing', { sticky: true, bodyLimitBytes: 1000, concurrency: { soft: 5, hard: 10 } })
    await set('PATCH', '/shop/access', { add: ['10.0.0.0/8'] })
    await set('PATCH', '/shop/quota', { concurrent: 7 })
    await set('PATCH', '/shop/build', { buildpacks: ['node', 'python'], root: 'apps/web', branch: 'release' })
    await set('PATCH', '/shop/checks', { processes: { web: { path: '/healthz' } }, autoRollback: false })
    await set('POST', '/shop/domains', { address: 'shop.example' })
    const app = await findApp(here.context.store, 'shop' as AppName)
    assert.ok(app)
    await liveRelease(here.context, app, [
      await storedLayer(here.context, randomBytes(30_000), 'dependencies'),
      await storedLayer(here.context, randomBytes(3000)),
    ])
  }

  it('to another Berth: code, config vars, formation, build, checks, routing, access, quota, and domains that wait to be verified', async () => {
    const saved = succeeded(await at(here, 'apps:export', '-a', 'shop', '--passphrase-file', 'passphrase'))
    assert.match(saved.stdout, /^Saved shop as .*shop\.berth\.$/m)
    const file = join(person.home, 'shop.berth')
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    assert.ok(!(await readFile(file)).includes('of-the-shop'))

    const made = succeeded(
      await at(there, 'apps:import', 'shop.berth', '--as', 'store', '--passphrase-file', 'passphrase'),
    )
    assert.match(made.stdout, /Created store, at .*-----> played.*store runs v1/s)
    assert.match(made.stderr, /shop\.example waits to be verified/)
    assert.deepEqual((await ask(there, 'store/config')).config, { SECRET: 'of-the-shop', OTHER: 'x' })
    for (const what of ['formation', 'routing', 'access'])
      assert.deepEqual(await ask(there, `store/${what}`), await ask(here, `shop/${what}`), what)
    const builtAndChecked = async (api: TestApi, name: string): Promise<unknown[]> => {
      const { autoRollback, checks } = (await ask(api, `${name}/checks`)) as unknown as ChecksView
      return [
        (await ask(api, name)).build as unknown,
        autoRollback,
        checks.find(({ process }) => process === 'web')?.path,
      ]
    }
    assert.deepEqual(await builtAndChecked(there, 'store'), await builtAndChecked(here, 'shop'))
    assert.deepEqual(await builtAndChecked(there, 'store'), [
      { buildpacks: ['node', 'python'], root: 'apps/web', branch: 'release' },
      false,
      '/healthz',
    ])
    assert.deepEqual((await ask(there, 'store/quota')).quota, (await ask(here, 'shop/quota')).quota)
    const { domains } = await ask(there, 'store/domains')
    assert.deepEqual([domains[0].address, domains[0].state], ['shop.example', 'pending'])
    const [request] = there.submitted
    assert.deepEqual([request?.kind, request?.description], ['slug', 'Deploy a slug of shop v1'])
    assert.ok(sentBytes !== null && sentBytes > 33_000)
  })

  it('not with a wrong passphrase, which it says before anything is made', async () => {
    const { code, stderr } = await at(there, 'apps:import', 'shop.berth', '--as', 'other', '--passphrase-file', 'wrong')
    assert.equal(code, 1)
    assert.match(stderr, /^The passphrase is wrong, or the sealed config vars were damaged\. Nothing was changed\.$/m)
    assert.equal((await ask(there, 'other')).code, 'NOT_FOUND')
    const unasked = await at(there, 'apps:import', 'shop.berth', '--as', 'other')
    assert.deepEqual([unasked.code, /--passphrase-file/.test(unasked.stderr)], [2, true])
  })

  it('without config vars where no passphrase is given, and says which are missing', async () => {
    const saved = succeeded(await at(here, 'apps:export', '-a', 'shop', '-o', 'plain.berth'))
    assert.match(saved.stderr, /Its 2 config vars are not in it/)
    const made = succeeded(await at(there, 'apps:import', 'plain.berth', '--as', 'plain'))
    assert.match(made.stderr, /Set them: berth config:set OTHER=… SECRET=… -a plain/)
    assert.deepEqual((await ask(there, 'plain/config')).config, {})
  })

  it('that asked for passwords only into maintenance, since the passwords stay behind', async () => {
    await here.call(here.operator, 'POST', '/v1/apps', { name: 'locked' })
    const user = { name: 'ann', password: 'long enough' }
    await here.call(here.operator, 'POST', '/v1/apps/locked/access/users', user)
    succeeded(await at(here, 'apps:export', '-a', 'locked'))
    const made = succeeded(await at(there, 'apps:import', 'locked.berth'))
    assert.match(made.stderr, /it is in maintenance\. Add its users \(ann\)/)
    assert.equal((await ask(there, 'locked/routing')).maintenance, true)
  })

  it('by a fork: code, config vars and formation, and no domains', async () => {
    const { stdout } = succeeded(await at(here, 'fork', 'shop', 'shop-staging'))
    assert.match(stdout, /Created shop-staging.*Copied 2 config vars.*-----> played/s)
    assert.deepEqual(await ask(here, 'shop-staging/formation'), await ask(here, 'shop/formation'))
    assert.deepEqual((await ask(here, 'shop-staging')).build, (await ask(here, 'shop')).build)
    assert.deepEqual((await ask(here, 'shop-staging/config')).config, (await ask(here, 'shop/config')).config)
    assert.deepEqual((await ask(here, 'shop-staging/domains')).domains, [])
    assert.equal(here.submitted[0]?.description, 'Deploy the slug of shop v1')
  })

  it('with a buildpack that the other Berth does not offer, which it says', async () => {
    await mkdir(join(here.home, 'buildpacks', 'ours', 'bin'), { recursive: true })
    await writeFile(join(here.home, 'buildpacks', 'ours', 'bin', 'compile'), '')
    await here.call(here.operator, 'POST', '/v1/apps', { name: 'own' })
    const set = await here.call(here.operator, 'PATCH', '/v1/apps/own/build', { buildpacks: ['ours'] })
    assert.equal(set.status, 200)
    succeeded(await at(here, 'apps:export', '-a', 'own'))
    const made = succeeded(await at(there, 'apps:import', 'own.berth'))
    assert.match(made.stderr, /How it is built could not be set: There is no buildpack "ours"/)
  })

  it('as a slug alone: shown, saved and deployed', async () => {
    const listed = succeeded(await at(here, 'slugs', '-a', 'shop'))
    assert.match(listed.stdout, /^LAYER +WHAT +SIZE +RELEASES +SHARED WITH +HOSTS$/m)
    assert.match(listed.stdout, /^[0-9a-f]{12} +dependencies +29\.3 KiB +v1 +- +-$/m)
    assert.match(listed.stdout, /^Current slug: +32\.2 KiB \(v1\)$/m)
    assert.match(succeeded(await at(here, 'info', '-a', 'shop')).stdout, /^Slug: +32\.2 KiB, 32\.2 KiB with/m)
    succeeded(await at(here, 'slugs:download', '-a', 'shop'))
    assert.match((await at(here, 'slugs:download', '-a', 'shop')).stderr, /shop-v1\.slug is there already/)
    const sent = succeeded(await at(there, 'slugs:deploy', 'shop-v1.slug', '-a', 'plain'))
    assert.match(sent.stdout, /plain runs v1/)
    const wrong = await at(there, 'slugs:deploy', 'passphrase', '-a', 'plain')
    assert.equal(wrong.code, 1)
    assert.match(wrong.stderr, /The file cannot be taken as a slug: it .*\(SLUG_FILE_REFUSED/)
  })

  it('from nothing that is no app’s file, and says what it is', async () => {
    const no = async (file: string, message: RegExp) => {
      const { code, stderr } = await at(there, 'apps:import', file, '--as', 'nothing')
      assert.equal(code, 1)
      assert.match(stderr, message)
    }
    await no('shop-v1.slug', /there is no app\.json in it\. A slug alone is deployed with: berth slugs:deploy/)
    await no('passphrase', /passphrase cannot be imported: /)
    await no('missing', /missing cannot be imported: ENOENT/)
  })
})
