/** C15: who may do what in a Redis that `npm run up` starts. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Queue, Worker } from 'bullmq'
import type { AppName, AppId, DeployId, HostId, InstanceId, RouterId, TenantId } from '#core/domain/ids.ts'
import { makeId } from '#core/domain/ids.ts'
import { mergeFigures } from '#core/domain/figures.ts'
import { queueName } from '#core/domain/host.ts'
import type { AppEvent } from '#core/domain/event.ts'
import type { Deploy } from '#core/domain/release.ts'
import { createApp, loadApp } from '#core/store/apps.ts'
import { sawCertificates, loadCertificateChanges, loadChallenges, loadTicketKey } from '#core/store/certificates.ts'
import { announce, asUser, connectPatient, connectStore, subscribe, type Store } from '#core/store/connection.ts'
import { isRestored } from '#core/store/copy.ts'
import {
  appendDeployLog,
  assignBuild,
  createDeploy,
  loadAssignedBuilds,
  loadBuildReport,
  loadDeploy,
  reportBuild,
} from '#core/store/deploys.ts'
import { appendEvent, loadEvents } from '#core/store/events.ts'
import { loadRequests, recordAnswered, recordRequests } from '#core/store/answered.ts'
import { recordFigures } from '#core/store/figures.ts'
import { heartbeat, loadHosts, removeHost, saveDiagnosis } from '#core/store/hosts.ts'
import { assignInstance, loadAssigned, loadInstance, reportInstance, reportStats } from '#core/store/instances.ts'
import { keys } from '#core/store/keys.ts'
import { reportLayers } from '#core/store/layers.ts'
import { appendLogLines, readLogsAfter } from '#core/store/logs.ts'
import { catchUp, loadRouters, putRoutes, removeRouter, reportRouter } from '#core/store/routes.ts'
import { appendStackLog, createStack, loadStacks, reportStack } from '#core/store/stacks.ts'
import { shareTraffic } from '#core/store/traffic.ts'
import { recordUsage, usageBetween } from '#core/store/usage.ts'
import { RouteIndex } from '../../../router/table.ts'
import { admitAgent, asBackup, dismissAgent } from '../../../controller/store-users.ts'
import { copyState } from '../../../controller/backup/redis-copy.ts'
import { aDesired, aHost, aReport } from '../../helpers/cluster.ts'
import { startOwnRedis, type OwnRedis } from '../../helpers/own-redis.ts'
import { sleep } from '#core/runtime/clock.ts'

const HOST = 'host-a' as HostId
const OTHER = 'host-a-2' as HostId
const newId = (prefix: string) => makeId(prefix, randomBytes(13))
const app = newId('a') as AppId
const tenantId = 'acme' as TenantId
const deploy = newId('d') as DeployId
const mine = newId('i') as InstanceId
const theirs = newId('i') as InstanceId

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 20_000; !(await holds()); await sleep(20)) if (Date.now() > end) assert.fail(what)
}

describe('C15 the embedded Redis', function () {
  this.timeout(60_000)
  let redis: OwnRedis
  let controller: Store
  let agent: Store
  let router: Store
  let agentUrl: string
  const stores: Store[] = []
  const connect = (url: string) => {
    const store = connectStore(url)
    stores.push(store)
    return store
  }

  before(async () => {
    redis = await startOwnRedis()
    controller = connect(redis.controllerUrl)
    router = connect(redis.routerUrl)
    agentUrl = asUser(redis.url, (await admitAgent(controller, HOST, randomBytes)) ?? assert.fail())
    agent = connect(agentUrl)
    await createApp(controller, { id: app, name: 'shop' as AppName, tenantId, uidBase: 0x10000000, createdAt: 0 }, 0)
    await assignInstance(controller, aDesired({ id: mine, appId: app, hostId: HOST }))
    await assignInstance(controller, aDesired({ id: theirs, appId: app, hostId: OTHER }))
    await createDeploy(controller, aDeploy())
    await assignBuild(controller, HOST, deploy)
    await createStack(controller, {
      name: 'debian-13-one',
      base: null,
      fresh: false,
      host: HOST,
      actor: 'o',
      createdAt: 0,
    })
    await putRoutes(controller, { version: 1, apps: [], tenants: {} })
  })
  after(async () => {
    for (const store of stores) store.disconnect()
    await redis.stop()
  })

  it('lets nobody in who does not say who it is, and nobody with a wrong password', async () => {
    for (const url of [
      redis.url,
      asUser(redis.url, { user: 'controller', password: 'guessed' }),
      asUser(redis.url, { user: 'backup', password: '' }),
    ]) {
      const stranger = connectPatient(url)
      stranger.options.maxRetriesPerRequest = 0
      await assert.rejects(stranger.get(keys.tokens), /NOAUTH|WRONGPASS|Connection is closed|NOPERM/)
      stranger.disconnect()
    }
  })

  it('keeps hashes of passwords in its file, and the passwords in files that are root’s alone', async () => {
    const acl = await readFile(join(redis.home, 'redis', 'users.acl'), 'utf8')
    assert.match(acl, /^user default off /m)
    assert.match(acl, /^user agent-host-a on .*#[0-9a-f]{64}/m)
    assert.doesNotMatch(acl, / nopass| >/)
    for (const name of ['users.acl', 'controller.env', 'router.env']) {
      const { mode } = await stat(join(redis.home, 'redis', name))
      assert.equal(mode & 0o177, 0, name)
    }
  })

  /** What no role may do; then what each may not. */
  const server = [
    'KEYS *',
    'FLUSHALL',
    'FLUSHDB',
    'CONFIG GET *',
    'CONFIG SET dir /',
    'MONITOR',
    'SHUTDOWN NOSAVE',
    'REPLICAOF a 1',
    'CLIENT LIST',
    'CLIENT KILL ID 1',
    'SCRIPT FLUSH',
    'FUNCTION LIST',
    'FUNCTION FLUSH',
    'FUNCTION DELETE x',
    'FCALL x 0',
    'SELECT 1',
    'SAVE',
    'MIGRATE h 1 berth:tokens 0 1',
    'MODULE LIST',
    'SWAPDB 0 1',
    'PSYNC ? -1',
    'BGREWRITEAOF',
    'SLOWLOG GET',
  ]
  const users = ['ACL LIST', 'ACL SETUSER x on nopass ~* +@all', 'ACL DELUSER controller', 'ACL GETUSER controller']
  const survey = ['SCAN 0', 'RANDOMKEY', 'DBSIZE']
  const state = [
    `GET ${keys.tokens}`,
    `SMEMBERS ${keys.tokens}`,
    `HGETALL ${keys.user('u-one' as never)}`,
    `HGETALL ${keys.session('x')}`,
    `HSET ${keys.app(app)} record {}`,
    `LRANGE ${keys.releases(app)} 0 -1`,
    `RPUSH ${keys.releases(app)} {}`,
    `HSET ${keys.instance(mine)} desired {}`,
    `HSET ${keys.instance(theirs)} desired {}`,
    `HSET ${keys.deploy(deploy)} record {}`,
    `DEL ${keys.logs(app)}`,
    `DEL ${keys.outbox}`,
    `XRANGE ${keys.audit} - +`,
    `XADD ${keys.audit} * e {}`,
    `HSET ${keys.routes} version 99`,
    `HSET ${keys.appRoutes} ${app} {}`,
    `SET ${keys.lease('reconciler')} me`,
    `HGETALL ${keys.certificateOrders}`,
    `HGETALL ${keys.acmeAccounts}`,
    `HSET ${keys.stack('debian-13-one')} record {}`,
    `SET ${keys.stackChoice} {}`,
    `EVAL return(redis.call('GET','${keys.tokens}')) 0`,
    `EVAL return(redis.call('HSET','${keys.instance(mine)}','desired','{}')) 0`,
    `PUBLISH elsewhere 1`,
    `SUBSCRIBE ${keys.channel('changed')}`,
    `PSUBSCRIBE *`,
  ]
  const ofOthers = [
    `LPUSH bull:${queueName(OTHER)}:wait 1`,
    `HGETALL bull:${queueName(OTHER)}:meta`,
    `EVAL return(redis.call('LPUSH','bull:${queueName(OTHER)}:wait','1')) 0`,
    `COPY bull:${queueName(HOST)}:meta bull:${queueName(OTHER)}:meta`,
    `HSET ${keys.hostInstance(OTHER, theirs)} reported {}`,
    `SET ${keys.hostBuild(OTHER, deploy)} {}`,
    `SET ${keys.hostLease(OTHER)} 1`,
    `SADD ${keys.hostInstances(OTHER)} ${mine}`,
    `SREM ${keys.hosts} ${OTHER}`,
  ]
  const ofRouters = [
    `HVALS ${keys.certificateSecrets}`,
    `GET ${keys.ticketKey}`,
    `PUBLISH ${keys.channel('certificates')} 1`,
    `DEL ${keys.router('r-aaaaaaaaaaaaa')}`,
  ]
  const ofAgents = [
    `LPUSH bull:${queueName(HOST)}:wait 1`,
    `HGETALL ${keys.instance(mine)}`,
    `SET ${keys.hostLease(HOST)} 1`,
    `PUBLISH ${keys.channel('changed')} 1`,
    `SET ${keys.meter('i-one')} ended`,
  ]

  const denied = {
    agent: [...server, ...users, ...survey, ...state, ...ofOthers, ...ofRouters],
    router: [...server, ...users, ...survey, ...state, ...ofOthers, ...ofAgents],
    controller: [...server, 'ACL LIST', 'ACL GETUSER controller', 'SET elsewhere 1', 'SUBSCRIBE elsewhere'],
  }
  for (const [role, table] of Object.entries(denied)) {
    it(`refuses the ${role} ${table.length} things that it has no business with`, async () => {
      const store = { agent, router, controller }[role] ?? assert.fail()
      for (const command of table) {
        const [name = '', ...rest] = command.split(' ')
        await assert.rejects(
          store.call(name, ...rest),
          /NOPERM|No permissions|The user executing the script can't/,
          command,
        )
      }
    })
  }

  it('lets an agent do all that an agent does', async () => {
    await heartbeat(agent, aHost(HOST))
    await saveDiagnosis(agent, HOST, { at: 0, findings: [] })
    assert.deepEqual(
      (await loadAssigned(agent, HOST)).map(({ desired }) => desired.id),
      [mine],
    )
    assert.equal((await loadInstance(agent, mine))?.desired.hostId, HOST)
    assert.ok(await reportInstance(agent, HOST, mine, aReport()))
    await reportStats(agent, HOST, new Map([[mine, { at: 1, cpuMilli: 2, memoryBytes: 3 }]]))
    const seen = await loadInstance(controller, mine)
    assert.deepEqual([seen?.reported?.state, seen?.stats?.cpuMilli], ['running', 2])
    assert.equal((await loadDeploy(agent, deploy))?.id, deploy)
    assert.equal((await loadAssignedBuilds(agent, HOST)).length, 1)
    assert.ok(await reportBuild(agent, HOST, deploy, { epoch: 1, state: 'running', at: 5 }))
    assert.equal((await loadBuildReport(controller, { id: deploy, buildHost: HOST }))?.state, 'running')
    await appendDeployLog(agent, deploy, ['-----> Building'])
    assert.equal((await loadApp(agent, app))?.name, 'shop')
    await appendEvent(agent, app, anEvent)
    assert.equal((await loadEvents(controller, app, { limit: 5 }))[0]?.text, 'hello')
    assert.equal(await appendLogLines(agent, app, { writer: mine, within: 'f' }, [aLine('from the agent')]), 1)
    await recordUsage(agent, [aSample(`${mine}-1`)])
    assert.equal((await usageBetween(controller, `app:${app}`, Date.now() - 60_000, Date.now() + 1)).cpuSeconds, 7)
    await reportLayers(agent, HOST, {})
    await appendStackLog(agent, 'debian-13-one', 'Setting up')
    assert.ok(await reportStack(agent, HOST, 'debian-13-one', { state: 'failed', at: 1, error: 'no' }))
    assert.equal((await loadStacks(agent))[0]?.report?.state, 'failed')
    assert.equal(await isRestored(agent), false)
    await announce(agent, 'changed')
  })

  it('lets an agent say nothing of what runs on another host', async () => {
    await assert.rejects(reportInstance(agent, OTHER, theirs, aReport()), /NOPERM|No permissions/)
    assert.equal(await reportInstance(agent, HOST, theirs, aReport()), false)
    assert.equal((await loadInstance(controller, theirs))?.reported, null)
  })

  it('lets BullMQ work: the controller sends to any host, and each agent takes from its own queue', async () => {
    const queue = new Queue(queueName(HOST), { connection: connectPatient(redis.controllerUrl) })
    const taken: unknown[] = []
    const worker = new Worker(queueName(HOST), ({ data }) => Promise.resolve(void taken.push(data)), {
      connection: connectPatient(agentUrl),
      concurrency: 4,
    })
    const complaints: unknown[] = []
    worker.on('error', (error) => complaints.push(error))
    for (let n = 0; n < 5; n++)
      await queue.add('instance', { n }, { jobId: `j-${n}`, removeOnComplete: 20, removeOnFail: 20 })
    await until('five jobs are taken', () => taken.length === 5)
    await until('and done', async () => (await queue.getJobCounts()).completed === 5)
    assert.deepEqual(complaints, [])
    await worker.close()
    await queue.close()
  })

  it('lets a router do all that a router does', async () => {
    const id = newId('r') as RouterId
    assert.ok(await catchUp<RouteIndex>(router, null, () => new RouteIndex()))
    await reportRouter(router, { id, tableVersion: 1, draining: {} }, true)
    assert.ok((await loadRouters(router)).some((one) => one.id === id))
    await sawCertificates(router, id, 1)
    await loadCertificateChanges(router, 0, 10)
    await loadChallenges(router)
    await loadTicketKey(router)
    await recordFigures(router, id, 1, new Map([[app, mergeFigures([])]]))
    await recordAnswered(router, id, 1, new Map())
    await recordRequests(router, [{ router: id, instance: mine, count: 3 }])
    assert.deepEqual([...(await loadRequests(controller, [mine, theirs]))], [[mine, 3]])
    const flow = { rate: 10, burst: 10, share: 0, tokens: 0, made: 0, wanted: 1 }
    const count = { limit: 10, allowance: 0, used: 0, wanted: 1 }
    const [flows, counts] = [
      [flow, flow, flow],
      [count, count, count],
    ]
    const account = `tenant:${tenantId}` as const
    const [share] = await shareTraffic(router, id, 1, [{ account, mode: 'join', short: false, flows, counts }])
    assert.ok(share)
    await recordUsage(router, [aSample(`router-${id}-${app}`)])
    assert.equal(await appendLogLines(router, app, { writer: id, within: 'life' }, [aLine('from the router')]), 1)
    assert.equal((await readLogsAfter(controller, app, '0-0-0')).length, 3)
    let heard = 0
    const subscription = subscribe(redis.routerUrl, ['routes'], () => void heard++)
    await until('it is subscribed', () => heard === 1)
    await announce(controller, 'routes')
    await until('it hears', () => heard === 2)
    await subscription.stop()
    await removeRouter(router, id)
  })

  it('hands a backup the whole state, and for no longer than it takes', async () => {
    let used = ''
    const keysOfCopy = await asBackup(controller, redis.controllerUrl, randomBytes, async (url) => {
      used = url
      const copy = await copyState(url, join(redis.home, 'copy'))
      const found = await copy.redis.exists(keys.app(app))
      await copy.stop()
      return found
    })
    assert.equal(keysOfCopy, 1)
    assert.match(used, /^unix:\/\/backup:[\w-]{43}@\//)
    await assert.rejects(copyState(used, join(redis.home, 'again')))
  })

  it('loses nothing that it acknowledged when it is started again: commands, transactions and scripts', async () => {
    await controller.set(keys.restored, 'alone')
    await controller.multi().set(keys.stackChoice, '{}').sadd(keys.stacks, 'debian-13-two').exec()
    const scripted = newId('i') as InstanceId
    await assignInstance(controller, aDesired({ id: scripted, appId: app, hostId: OTHER }))
    await appendEvent(controller, app, { ...anEvent, text: 'before the restart' })
    await redis.restart()
    assert.equal(await controller.get(keys.restored), 'alone')
    assert.equal(await controller.sismember(keys.stacks, 'debian-13-two'), 1)
    assert.equal((await loadInstance(controller, scripted))?.desired.id, scripted)
    assert.equal((await loadEvents(controller, app, { limit: 1 }))[0]?.text, 'before the restart')
    assert.equal((await loadInstance(controller, mine))?.reported?.state, 'running')
    await controller.del(keys.restored)
  })

  it('knows an agent after its restart, with another password after each admission, and not once its host is removed', async () => {
    const host = 'host-b' as HostId
    const first = (await admitAgent(controller, host, randomBytes)) ?? assert.fail()
    await redis.restart()
    const again = connect(asUser(redis.url, first))
    await heartbeat(again, aHost(host))
    const second = (await admitAgent(controller, host, randomBytes)) ?? assert.fail()
    await assert.rejects(again.auth(first.user, first.password), /WRONGPASS/)
    const newer = connect(asUser(redis.url, second))
    await controller.del(keys.hostLease(host))
    assert.ok(await removeHost(controller, host))
    await dismissAgent(controller, host)
    assert.ok(!(await loadHosts(controller)).some(({ id }) => id === host))
    newer.options.maxRetriesPerRequest = 0
    await assert.rejects(newer.get(keys.hostLease(host)))
    await redis.restart()
    assert.doesNotMatch(await readFile(join(redis.home, 'redis', 'users.acl'), 'utf8'), /agent-host-b/)
  })

  const anEvent: AppEvent = {
    at: 1,
    kind: 'started',
    process: null,
    instance: null,
    host: HOST,
    release: null,
    actor: null,
    text: 'hello',
    lastOutput: [],
  }
  const aLine = (line: string) => ({
    position: 1,
    entry: { at: '2026-11-21T12:00:00Z', source: 'app' as const, ps: 'web.1', line },
  })
  const aSample = (subject: string) => ({
    subject,
    tenantId,
    appId: app,
    at: Date.now(),
    usage: { cpuSeconds: 7 },
    ended: false,
  })
  const aDeploy = (): Deploy => ({
    id: deploy,
    appId: app,
    kind: 'push',
    actor: 'o',
    description: '',
    createdAt: Date.now(),
    state: 'building',
    commit: null,
    source: null,
    fromRelease: null,
    config: null,
    release: null,
    buildHost: HOST,
    buildEpoch: 1,
    startedAt: null,
    phases: [],
    releaseRun: null,
    postdeployRun: null,
    error: null,
    endedAt: null,
  })
})
