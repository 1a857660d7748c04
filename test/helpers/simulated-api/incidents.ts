/** What is not as it should be in a place, so that there is something to look after. */
import type { EventView } from '#core/contract/api.ts'
import { commitOf, makeDeploy, weigh, type Place } from './place.ts'

const MINUTE = 60_000

/** A crash loop, a host that drains, a quota nearly used up, a slow app, and two deploys under way. */
export function addIncidents(place: Place): void {
  const { now } = place
  const at = (minutes: number): string => new Date(now - minutes * MINUTE).toISOString()

  const crashing = place.instances.find(({ app, name }) => app === 'imports' && name === 'worker.3')
  if (crashing)
    Object.assign(crashing, {
      state: 'starting',
      restarts: 7,
      reason: 'outOfMemory',
      detail:
        'It needed more than its 512 MiB of memory and was ended by the kernel. Give it more, or find what grows.',
      since: at(1),
      memoryBytesUsed: null,
      cpuMilliUsed: null,
      diskBytesUsed: null,
    })
  addEvent(
    place,
    'imports',
    at(1),
    'outOfMemory',
    'needed more than its 512 MiB of memory and was ended by the kernel.',
    'worker.3',
    [
      '\u001b[32mINFO\u001b[0m  read batch 412 of 980 (48 MiB)',
      '\u001b[32mINFO\u001b[0m  read batch 413 of 980 (51 MiB)',
      '\u001b[33mWARN\u001b[0m  resident set 498 MiB',
    ],
  )

  const draining = place.hosts.find(({ id }) => id === 'hel-2')
  if (draining) {
    draining.cordoned = true
    draining.capacity.memoryMb = 24_576
    const [leaving, moving, large] = place.instances.filter(({ host }) => host === draining.id)
    if (leaving) Object.assign(leaving, { intent: 'unroute', state: 'draining' })
    if (moving)
      place.instances.push({ ...moving, id: `${moving.id}-next`, host: 'fra-1', state: 'starting', since: at(0) })
    if (large) large.memoryMb = 12_288
  }
  const fares = place.traffic.find(({ app }) => app === 'fares')
  if (fares) Object.assign(fares, { errorsPerSecond: 7.3, p50Ms: 210, p95Ms: 1840 })

  place.alerts.push(
    alert(
      'l1',
      'errorRate',
      { app: 'fares', tenant: 'kestrel' },
      at(6),
      'fares answers 3.9 % of requests with an error; the limit is 2 %.',
    ),
    alert(
      'l2',
      'crashLoop',
      { app: 'imports', tenant: 'harbour-labs' },
      at(14),
      'worker.3 of imports was ended 7 times in 14 minutes: out of memory.',
    ),
    alert('l3', 'quota', { tenant: 'tidewater' }, at(190), 'tidewater has 4.2 of 4 GiB of its plan’s memory promised.'),
    alert(
      'l4',
      'certificate',
      { app: 'landing', tenant: 'tidewater' },
      at(700),
      'The certificate of www.tidewater.example ends in 6 days and could not be renewed.',
    ),
  )

  const flights = place.apps.find(({ name }) => name === 'flights')
  const docs = place.apps.find(({ name }) => name === 'docs')
  if (flights) {
    flights.rollout = { release: 118, state: 'rolling', detail: '5 of 8 web instances run it; web.6 is starting.' }
    place.deploys.push({
      ...makeDeploy(flights, now, undefined),
      id: 'd-flights-118',
      state: 'rolling',
      ...pushOf('flights', 118, 'Price seats by distance'),
      actor: 'mei@kestrel.example',
      createdAt: new Date(now - 14_000).toISOString(),
      endedAt: null,
      release: 118,
      phases: [
        { name: 'detect', ms: 110 },
        { name: 'install', ms: 3810 },
        { name: 'build', ms: 5240 },
        { name: 'pack', ms: 720 },
      ],
    })
  }
  if (docs)
    place.deploys.push({
      ...makeDeploy(docs, now, undefined),
      id: 'd-docs-78',
      state: 'building',
      ...pushOf('docs', 78, 'Explain release commands'),
      actor: 'sam@lighthouse.example',
      createdAt: new Date(now - 6_000).toISOString(),
      endedAt: null,
      release: null,
      phases: [{ name: 'detect', ms: 80 }],
    })
  addEvent(place, 'crm', at(3), 'scaled', 'web went from 2 to 3.', null, [], 'jonas@northwind.example')
  addEvent(place, 'landing', at(9), 'domainVerified', 'www.tidewater.example is verified by DNS.')
  addEvent(place, 'beacon-api', at(11), 'resized', 'web has 1024 MiB now.', null, [], 'sam@lighthouse.example')
  for (const host of place.hosts) weigh(place, host)
}

export function addEvent(
  place: Place,
  app: string,
  at: string,
  kind: EventView['kind'],
  text: string,
  process: string | null = null,
  lastOutput: string[] = [],
  actor: string | null = null,
): EventView & { app: string } {
  const event = { at, kind, process, instance: null, host: null, release: null, actor, text, lastOutput, app }
  place.events.push(event)
  place.events.sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
  return event
}

const alert = (
  id: string,
  kind: Place['alerts'][number]['kind'],
  of: { app?: string; tenant?: string; host?: string },
  since: string,
  text: string,
): Place['alerts'][number] => ({
  id,
  kind,
  state: 'firing',
  app: of.app ?? null,
  tenant: of.tenant ?? null,
  host: of.host ?? null,
  since,
  until: null,
  text,
})

function pushOf(app: string, version: number, subject: string) {
  const commit = commitOf(app, version)
  return { description: `Deploy ${commit.slice(0, 7)}`, commit, subject }
}
