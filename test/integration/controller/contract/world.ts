/** A platform on which every operation has something to be about. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { AppName, InstanceId, LayerDigest } from '#core/domain/ids.ts'
import { findApp } from '#core/store/apps.ts'
import { saveStanding } from '#core/store/certificates.ts'
import { heartbeat } from '#core/store/hosts.ts'
import { assignInstance, reportInstance } from '#core/store/instances.ts'
import { appendLogs } from '#core/store/logs.ts'
import { appendStackLog, reportStack } from '#core/store/stacks.ts'
import { RECIPE_HASH } from '../../../../agent/stack.ts'
import { endDeploy, startApi, type TestApi } from '../../../helpers/api.ts'
import { makeCertificate } from '../../../helpers/certificates.ts'
import { aDesired, aHost, aReport } from '../../../helpers/cluster.ts'
import { liveRelease, storedLayer } from '../../../helpers/releases.ts'
import { tarOf } from '../../../helpers/tar.ts'
import type { Names } from './visits.ts'

export type World = { api: TestApi; names: Names; source: Buffer }

const OWN_STACK = 'debian-13-0123456789ab'

export async function startContractWorld(): Promise<World> {
  const api = await startApi()
  deploysGoLive(api)
  const { store, now } = api.context
  const image = { name: OWN_STACK, digest: null, bytes: 50, debian: '13.1', builtAt: 0 }
  await heartbeat(store, aHost('host-a', { stack: OWN_STACK, stacks: [image] }))
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
      chain: mine.chain,
      key: mine.key,
      platformChain: platforms.chain,
      platformKey: platforms.key,
      publicKey: aPublicKey(),
    },
  }
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
    await reportStack(store, name, {
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
