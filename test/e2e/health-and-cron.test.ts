import assert from 'node:assert/strict'
import { Webhook } from 'standardwebhooks'
import type { CronView, EventView, RunView } from '#core/contract/api.ts'
import type { AppName } from '#core/domain/ids.ts'
import type { WebhookSecretView } from '#core/contract/webhooks.ts'
import { findApp } from '#core/store/apps.ts'
import { connectStore } from '#core/store/connection.ts'
import { keys } from '#core/store/keys.ts'
import { loadRelease } from '#core/store/releases.ts'
import { prepareStoreUsers } from '../../scripts/up/store-users.ts'
import { startReceiver, type Receiver } from '../helpers/receiver.ts'
import { startWorld, waitFor, type World } from '../helpers/world.ts'

/** Says its version, exits when it is asked to, and is ill at /healthz when its version says so. */
const server = (version: string) => `
const { createServer } = require('node:http')
createServer((request, response) => {
  if (request.url === '/crash') process.exit(7)
  if (request.url === '/healthz' && '${version}' === 'ill') response.writeHead(503)
  response.end(request.url === '/healthz' ? 'no database at ' + request.url : '${version}')
}).listen(process.env.PORT, '0.0.0.0')
process.on('SIGTERM', () => process.exit(0))
`
const Procfile = `web: node server.js
worker: node -e "require('net').createServer().listen(process.env.PORT, '0.0.0.0')"
`

describe('Health checks, the way back and the clock', function () {
  this.timeout(240_000)
  let world: World
  let receiver: Receiver
  let secret: string

  before(async () => {
    receiver = await startReceiver(null)
    world = await startWorld({ env: { BERTH_OUTBOUND_NETWORKS: '127.0.0.1' } })
    await world.cli(['create', 'shop'])
    const url = `http://127.0.0.1:${receiver.port}/`
    secret = (await json<WebhookSecretView>(['webhooks:add', url, 'deploy.*', 'release.*', 'instance.crashed'])).secret
    const { code, output } = await push('one')
    assert.equal(code, 0, output)
  })
  after(async function () {
    if (this.test?.parent?.tests.some(({ state }) => state === 'failed')) console.error(await world.logs())
    await world.stop()
    await receiver.stop()
  })

  const push = (version: string) =>
    world.pushApp('shop', 'node-plain', { change: { 'server.js': server(version), Procfile } })
  const says = async () => (await world.http('shop', '/')).body
  const json = async <T>(words: string[]) =>
    JSON.parse((await world.cli([...words, '-a', 'shop', '--json'])).stdout) as T
  const events = async (kind: string) => (await json<{ events: EventView[] }>(['events', '--kind', kind])).events
  const runs = async () => (await json<{ runs: RunView[] }>(['runs', '--job', 'cleanup'])).runs

  it('brings the release before back when a new one crashes in its first minutes', async () => {
    const { code, output } = await push('two')
    assert.equal(code, 0, output)
    await waitFor(
      async () => {
        await world.http('shop', '/crash').catch(() => {})
        return (await events('fellBack')).length > 0
      },
      { timeoutMs: 90_000, what: 'the way back' },
    )
    await waitFor(async () => (await says().catch(() => '')) === 'one', { timeoutMs: 60_000, what: 'an answer of v1' })
    const [event] = await events('fellBack')
    assert.match(event?.text ?? '', /^v2 crashes, and gives way to v1: web\.1 exited with code 7/)
    await waitFor(async () => (await world.cli(['info', '-a', 'shop'])).stdout.includes('v3'), {
      timeoutMs: 60_000,
      what: 'v3',
    })
    assert.match((await world.cli(['releases', '-a', 'shop'])).stdout, /v3 .*Rollback to v1: v2 crashed +berth/)
  })

  it('has told a webhook of all that', async () => {
    const told = () =>
      receiver.received.map(({ headers, body }) => {
        const message = new Webhook(secret).verify(body, headers as Record<string, string>)
        return (message as { type: string }).type
      })
    const expected = ['deploy.started', 'deploy.succeeded', 'instance.crashed', 'release.fellBack']
    await waitFor(() => expected.every((type) => told().includes(type)), {
      timeoutMs: 60_000,
      what: 'the messages',
      detail: () => told().join(' '),
    })
  })

  it('asks for the path that was set, and quotes the last answer when a start fails for it', async () => {
    await world.cli(['checks:set', 'web', '--path', '/healthz', '--timeout', '6', '-a', 'shop'])
    const { code, output } = await push('ill')
    assert.notEqual(code, 0)
    assert.match(
      output.replaceAll(/\s*\nremote: */g, ' '),
      /web\.1 answered GET \/healthz with status 503 for 6 s;.* It said: no database at \/healthz/,
    )
    assert.equal(await says(), 'one')
    await world.cli(['checks:unset', 'web', '-a', 'shop'])
    assert.match((await world.cli(['checks', '-a', 'shop'])).stdout, /^web +answers GET \/ below 500 +1 min +-$/m)
  })

  it('asks a worker for a connection where that is set, and ends one that does not listen', async () => {
    await world.cli(['checks:set', 'worker', '--tcp', '--timeout', '20', '-a', 'shop'])
    await world.cli(['scale', 'worker=1', '-a', 'shop'])
    await waitFor(async () => /worker\.1 +running/.test((await world.cli(['ps', '-a', 'shop'])).stdout), {
      timeoutMs: 60_000,
      what: 'a worker',
    })
    await world.cli(['scale', 'worker=0', '-a', 'shop'])
  })

  it('runs jobs by the clock, once for each tick, through kill -9 of the controller', async () => {
    await giveJobs()
    const made = await json<RunView>(['cron:run', 'cleanup'])
    await waitFor(async () => (await runs()).some(({ id, end }) => id === made.id && end?.reason === 'completed'), {
      timeoutMs: 60_000,
      what: 'the end of a run that was asked for',
    })
    assert.match((await world.cli(['logs', '-a', 'shop', '-p', made.name])).stdout, /cleaned up run\.\d+/)

    const next = Math.ceil((Date.now() + 5_000) / 60_000) * 60_000
    await waitFor(() => Date.now() > next - 1_000, { timeoutMs: 90_000, what: 'the next minute' })
    await world.killPart('controller')
    const ran = async () => (await runs().catch(() => [])).filter(({ actor }) => actor === 'cron:cleanup')
    await waitFor(async () => (await ran()).some(({ end }) => end?.reason === 'completed'), {
      timeoutMs: 60_000,
      what: 'the run of its tick',
    })
    const ticks = (await ran()).length
    const now = Date.now()
    assert.ok(ticks <= 1 + Math.floor((now - next) / 60_000), `${ticks} runs since ${now - next} ms`)
    const { jobs } = await json<CronView>(['cron'])
    assert.equal(jobs[0]?.last?.run?.end?.exitCode, 0)
    assert.ok(Date.parse(jobs[0]?.nextAt ?? '') > now - 1_000)

    await world.cli(['cron:pause', 'cleanup', '-a', 'shop'])
    assert.match((await world.cli(['cron', '-a', 'shop'])).stdout, /^cleanup +\* \* \* \* \* +paused/m)
    assert.match((await world.cli(['runs', '-a', 'shop'])).stdout, /exit code 0 .*cron:cleanup +echo cleaned up/)
  })

  /** As a build does that finds jobs in app.json: the next release of the same code has them. */
  async function giveJobs(): Promise<void> {
    const logins = await prepareStoreUsers(world.home)
    const store = connectStore(logins.controller['BERTH_REDIS_URL'] ?? assert.fail())
    try {
      const app = (await findApp(store, 'shop' as AppName)) ?? assert.fail()
      const newest = (await store.llen(keys.releases(app.id))) - 1
      const release = (await loadRelease(store, app.id, newest + 1)) ?? assert.fail()
      const job = { name: 'cleanup', command: 'echo cleaned up $BERTH_PROCESS', schedule: '* * * * *' }
      const cron = [{ ...job, timeoutMs: 30_000, overlap: 'skip' as const }]
      const slug = { ...((await loadRelease(store, app.id, app.current?.release ?? 0)) ?? release).slug, cron }
      await store.lset(keys.releases(app.id), newest, JSON.stringify({ ...release, slug }))
    } finally {
      store.disconnect()
    }
    await world.cli(['config:set', 'COLOUR=green', '-a', 'shop'])
  }
})
