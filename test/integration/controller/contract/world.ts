/** A platform on which every operation has something to be about. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { Alert, Subject } from '#core/domain/alert.ts'
import type { App } from '#core/domain/app.ts'
import type { AppName, HostId, InstanceId, LayerDigest } from '#core/domain/ids.ts'
import { indexAt, ringOf, seriesNames, seriesSteps } from '#core/domain/series.ts'
import { saveAlerts } from '#core/store/alerts.ts'
import { findApp } from '#core/store/apps.ts'
import { saveStanding } from '#core/store/certificates.ts'
import { heartbeat, saveDiagnosis } from '#core/store/hosts.ts'
import { assignInstance, reportInstance } from '#core/store/instances.ts'
import { keys } from '#core/store/keys.ts'
import { appendLogs } from '#core/store/logs.ts'
import { writePoints, type SeriesSubject } from '#core/store/series.ts'
import { appendStackLog, reportStack } from '#core/store/stacks.ts'
import { RECIPE_HASH } from '../../../../agent/stack.ts'
import { endDeploy, startApi, type TestApi } from '../../../helpers/api.ts'
import { makeCertificate } from '../../../helpers/certificates.ts'
import { aDesired, aHost, aReport } from '../../../helpers/cluster.ts'
import { liveRelease, storedLayer } from '../../../helpers/releases.ts'
import { tarOf } from '../../../helpers/tar.ts'
import type { Names } from './visits/index.ts'

export type World = { api: TestApi; names: Names; source: Buffer }

const OWN_STACK = 'debian-13-0123456789ab'

export async function startContractWorld(): Promise<World> {
  const api = await startApi({ env: { BERTH_OUTBOUND_NETWORKS: '127.0.0.1' } })
  deploysGoLive(api)
  const { store, now } = api.context
  const image = { name: OWN_STACK, digest: null, bytes: 50, debian: '13.1', builtAt: 0 }
  const host = aHost('host-a', { stack: OWN_STACK, stacks: [image] })
  await heartbeat(store, host)
  // It lives however long the visits take.
  await store.persist(keys.hostLease(host.id))
  await api.call(api.operator, 'POST', '/v1/apps', { name: 'shop' })
  const app = await findApp(store, 'shop' as AppName)
  assert.ok(app)
  const nightly = { name: 'nightly', command: 'date', schedule: '@daily', timeoutMs: 60_000, overlap: 'allow' } as const
  for (const text of ['one', 'two'])
    await liveRelease(api.context, app, [await storedLayer(api.context, Buffer.from(text))], {
      stack: OWN_STACK,
      cron: [nightly],
    })
  const desired = aDesired({ id: 'i-web' as InstanceId, appId: app.id, tenantId: app.tenantId })
  await assignInstance(store, desired)
  await reportInstance(store, desired.hostId, desired.id, aReport())
  await appendLogs(store, app.id, [{ at: new Date(now()).toISOString(), source: 'app', ps: 'web.1', line: 'hello' }])
  const owner = { appId: app.id, tenantId: app.tenantId }
  await hostsThatTell(api)
  await measured(api, app)
  await alerted(api, { ...owner, appName: app.name, hostId: null })
  api.wanted = [{ host: 'bad.test', ...owner }]
  for (const host of ['bad.test', '*.localhost'])
    await saveStanding(store, { host, nextAt: now(), failures: 1, problem: { at: now() - 3600_000, text: 'no' } })
  const [mine, platforms] = [
    await makeCertificate('shop', { names: ['shop.example.test'] }),
    await makeCertificate('platform', { names: ['*.localhost'] }),
  ]
  return {
    api,
    source: tarOf([{ name: 'index.html', content: 'hello' }]),
    names: {
      app: 'shop',
      tenant: 'default',
      version: '1',
      release: 'current',
      address: 'shop.example',
      user: 'ann',
      job: 'nightly',
      plan: 'small',
      host: 'host-a',
      membership: 'default',
      template: 'node',
      chain: mine.chain,
      key: mine.key,
      platformChain: platforms.chain,
      platformKey: platforms.key,
      publicKey: aPublicKey(),
    },
  }
}

/** One says how it is, another one is gone. */
async function hostsThatTell({ context: { store } }: TestApi): Promise<void> {
  const finding = { check: 'disk', verdict: 'problem', found: '1 % free', why: 'builds fail', remedy: null } as const
  await saveDiagnosis(store, 'host-a' as HostId, { at: 0, findings: [finding] })
  const gone = aHost('host-gone')
  await heartbeat(store, gone)
  await store.del(keys.hostLease(gone.id))
}

async function measured({ context: { store, now } }: TestApi, { id, tenantId }: App): Promise<void> {
  const point = Object.fromEntries(seriesNames.map((name, index) => [name, index + 0.5]))
  const subjects: SeriesSubject[] = [`app:${id}`, `tenant:${tenantId}`, 'host:host-a' as SeriesSubject, 'platform']
  const points = new Map(subjects.map((subject) => [subject, point]))
  for (const step of seriesSteps) await writePoints(store, step, indexAt(ringOf(step), now()) - 1, points, new Set())
}

/** One goes on, one is over. */
async function alerted({ context: { store, now } }: TestApi, subject: Subject): Promise<void> {
  const alert: Alert = { ...subject, id: 'l-one', kind: 'memory', since: 0, until: null, mark: 0, text: '95 % of 90 %' }
  const standing = { overSince: 0, underSince: null, seen: 0, alert }
  const over = { ...alert, id: 'l-two', until: 1 }
  await saveAlerts(store, new Map([['memory', standing]]), [], [{ news: 'ended', alert: over }], now())
}

export function deploysGoLive(api: TestApi): void {
  api.play = (deploy) => endDeploy(api, deploy, { state: 'succeeded', release: 2 }, ['-----> Building'])
}

export function deploysWait(api: TestApi): void {
  api.play = () => Promise.resolve()
}

/** What the host's agent does. */
export async function stackBuilt({ context: { store, layers } }: TestApi, name: string): Promise<void> {
  const bytes = Buffer.from(name)
  const digest = createHash('sha256').update(bytes).digest('hex') as LayerDigest
  await layers.write(digest, Readable.from(bytes))
  await appendStackLog(store, name, 'Setting up curl')
  assert.ok(
    await reportStack(store, 'host-a' as HostId, name, {
      state: 'built',
      at: 1,
      digest,
      bytes: bytes.length,
      debian: '13.2',
      recipe: RECIPE_HASH,
    }),
  )
}

/** In the format of RFC 4253 §6.6 and RFC 8709 §4. */
function aPublicKey(): string {
  const part = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes])
  const blob = Buffer.concat([part(Buffer.from('ssh-ed25519')), part(Buffer.alloc(32, 7))])
  return `ssh-ed25519 ${blob.toString('base64')} ann@laptop`
}
