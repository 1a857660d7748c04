/** What following live costs: the time of a look, and the bytes for each follower, with very many hosts and instances. */
import type { App } from '#core/domain/app.ts'
import type { AppId, AppName, HostId, InstanceId, TenantId } from '#core/domain/ids.ts'
import { connectStore } from '#core/store/connection.ts'
import { createApp } from '#core/store/apps.ts'
import { heartbeat } from '#core/store/hosts.ts'
import { assignInstance, reportInstance, reportStats } from '#core/store/instances.ts'
import { createAnsweredReader } from '#core/store/answered.ts'
import { createFiguresReader } from '#core/store/figures.ts'
import { createLiveReader } from '#core/store/live.ts'
import { liveTopics } from '#core/contract/live.ts'
import { createDiff } from '../controller/live/changes.ts'
import { gather } from '../controller/live/facts.ts'
import { draw, emptyPicture } from '../controller/live/picture.ts'
import { createViewer } from '../controller/live/viewer.ts'
import { aLiveHost, aRunningReport, anInstanceOf } from '#test/helpers/instances.ts'
import { startRedis } from '#test/helpers/redis.ts'

const HOSTS = 200
const APPS = 2_000
const INSTANCES = 5_000
const VIEWERS = 20
const LOOKS = 12

export async function live(): Promise<void> {
  const redis = await startRedis()
  const store = connectStore(redis.url)
  try {
    const hostOf = (n: number) => `host-${n % HOSTS}` as HostId
    const beat = async (round: number) => {
      for (let n = 0; n < HOSTS; n++)
        await heartbeat(store, { ...aLiveHost, id: hostOf(n), hostname: hostOf(n), cpuMilliUsed: round * 10 + n })
    }
    await beat(0)
    const apps = Array.from({ length: APPS }, (_, n) => ({
      id: `a-${n}` as AppId,
      name: `app-${n}` as AppName,
      tenantId: `t-${n}` as TenantId,
      uidBase: n,
      createdAt: 0,
    }))
    for (const app of apps) await createApp(store, app, 0)
    const ids: InstanceId[] = []
    for (let n = 0; n < INSTANCES; n++) {
      const desired = { ...anInstanceOf(apps[n % APPS] as unknown as App, n), hostId: hostOf(n) }
      await assignInstance(store, desired)
      await reportInstance(store, desired.hostId, desired.id, aRunningReport)
      ids.push(desired.id)
    }

    const sources = {
      reader: createLiveReader(store),
      answered: () => createAnsweredReader(store)(Date.now()),
      traffic: () => createFiguresReader(store).read(Date.now()),
      alerts: () => Promise.resolve([]),
      now: () => Date.now(),
    }
    const topics = new Set(liveTopics)
    let bytes = 0
    const sink = {
      send: (_event: string, data: string) => ((bytes += data.length), true),
      onReady: () => {},
      signal: new AbortController().signal,
    }
    const diff = createDiff()
    const viewers = Array.from({ length: VIEWERS }, () =>
      createViewer(sink, { topics: liveTopics, sees: () => true, diff, textOf: (_topic, { text }) => text }),
    )
    let picture = emptyPicture
    console.log(`${HOSTS} hosts, ${APPS} apps, ${INSTANCES} instances, ${VIEWERS} followers who see all`)
    console.log('look  changed  read ms  draw ms  show ms  bytes per follower')
    for (let look = 0; look < LOOKS; look++) {
      // As agents do: figures of a tenth of the instances in each second, and a third of the hosts.
      const changed = look === 0 || look === 1 ? 0 : INSTANCES / 10
      const first = (look % 10) * changed
      const some = ids.slice(first, first + changed).map((id, index) => ({ id, host: hostOf(first + index) }))
      const figures = { at: look, cpuMilli: look, memoryBytes: look * 4096 }
      for (const [host, those] of Map.groupBy(some, (one) => one.host))
        await reportStats(store, host, new Map(those.map(({ id }) => [id, figures])))
      if (look > 1 && look % 3 === 0) await beat(look)
      bytes = 0
      const [began, cpu] = [performance.now(), process.cpuUsage()]
      const facts = await gather(sources, topics)
      const read = performance.now()
      picture = draw(picture, facts, topics, (name) => `http://${name}.test/`)
      const drawn = performance.now()
      for (const viewer of viewers) viewer.show(picture)
      const shown = performance.now()
      const { user, system } = process.cpuUsage(cpu)
      const cells = [read - began, drawn - read, shown - drawn].map((ms) => ms.toFixed(0).padStart(7))
      console.log(
        `${String(look).padStart(4)}  ${String(some.length).padStart(7)}  ${cells.join('  ')}  ${Math.round(bytes / VIEWERS)}   (CPU ${Math.round((user + system) / 1000)} ms)`,
      )
    }
  } finally {
    store.disconnect()
    await redis.stop()
  }
}
