/**
 * The router beside nginx, HAProxy and Caddy. Each proxy is alone on CPU 0; the upstream and the load share CPU 1. The proxies
 * take turns, round by round, so that a machine whose speed drifts treats them alike; figures are medians of the rounds.
 * Quota, metering and the counters of `/metrics` are on, as they always are; the access log is in a row of its own, in which
 * nginx writes one too.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '#core/runtime/process.ts'
import type { Options } from './options.ts'
import { anApp, startBerth, type Berth } from './proxies/berth.ts'
import { idleConnections } from './proxies/idle.ts'
import { startPeer, type Pair, type Peer, type PeerName } from './proxies/peers.ts'
import { startUpstream, UPSTREAM_PORT } from './proxies/upstream.ts'
import { wrk, type Load, type Result } from './proxies/wrk.ts'
import { median, printTable } from './table.ts'

type Row = {
  what: string
  peers: PeerName[]
  /** Which of them the ratios are to. */
  base: PeerName
  load: Pick<Load, 'connections'> & Partial<Load> & { path?: string }
  measure: 'requests' | 'bytes'
  /** What the router must reach, by issue; in words, because the machine decides what is measured. */
  target: string
  tls?: true
  routes?: number
  accessLog?: true
}

const get = { path: '/', connections: 64 }
const rows: Record<string, Row> = {
  small: { what: 'small GET, 64 connections', peers: ['nginx', 'haproxy', 'caddy'], base: 'nginx', load: get, measure: 'requests', target: '≥ 1.0 nginx, ≥ 0.9 HAProxy, ≥ 5 Caddy; p99 ≤ 1.5 nginx' },
  thousand: { what: 'small GET, 1,000 connections', peers: ['nginx', 'haproxy', 'caddy'], base: 'nginx', load: { ...get, connections: 1000 }, measure: 'requests', target: '≥ 0.9 nginx' },
  routes: { what: 'small GET, 100,000 routes', peers: ['nginx'], base: 'nginx', load: get, measure: 'requests', target: '≥ 0.9 nginx', routes: 100_000 },
  post: { what: 'POST of 1 KB', peers: ['nginx', 'haproxy'], base: 'nginx', load: { ...get, script: 'post' }, measure: 'requests', target: '≥ 0.9 nginx' },
  large: { what: 'response of 100 KB', peers: ['nginx', 'haproxy'], base: 'nginx', load: { path: '/100k', connections: 64 }, measure: 'bytes', target: '≥ 0.8 nginx' },
  huge: { what: 'response of 10 MB, 8 connections', peers: ['nginx', 'haproxy'], base: 'nginx', load: { path: '/10m', connections: 8 }, measure: 'bytes', target: '≥ 0.6 nginx' },
  tls: { what: 'small GET over TLS 1.3', peers: ['nginx', 'haproxy'], base: 'nginx', load: get, measure: 'requests', target: '≥ 0.8 nginx', tls: true },
  slow: { what: 'small GET with a field that only the slow lane takes', peers: ['nginx', 'http-proxy'], base: 'http-proxy', load: { ...get, headers: ['X-Name: café'] }, measure: 'requests', target: '≥ 2 http-proxy' },
  logged: { what: 'small GET, with an access log', peers: ['nginx'], base: 'nginx', load: get, measure: 'requests', target: '(none)', accessLog: true },
} // prettier-ignore

export const routerRows = [...Object.keys(rows), 'idle']

export async function router(options: Options): Promise<void> {
  const asked = options.only.length > 0 ? options.only : routerRows
  const folder = await mkdtemp(join(tmpdir(), 'berth-proxies-'))
  const upstream = await startUpstream(folder)
  try {
    for (const name of asked) {
      const row = rows[name]
      if (row) await measure(row, folder, options)
      else await idleConnections(options, folder)
    }
  } finally {
    await upstream.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

type Target = { name: string; port: number; https: boolean }

async function measure(row: Row, folder: string, options: Options): Promise<void> {
  const tls = row.tls ? await selfSigned(folder) : undefined
  const script = row.load.script === 'post' ? await postScript(folder) : undefined
  const peers: Peer[] = []
  const berth = await startBerth({ BERTH_LOG_LEVEL: row.accessLog ? 'info' : 'warn' })
  try {
    for (const name of row.peers)
      peers.push(await startPeer(name, { folder, accessLog: row.accessLog ?? false, ...(tls ? { tls } : {}) }))
    const loadedMs = await berth.route(tableOf(row.routes ?? 1))
    const targets: Target[] = [
      ...(tls ? [] : [{ name: 'direct', port: UPSTREAM_PORT, https: false }]),
      ...peers.map(({ name, port }) => ({ name, port, https: row.tls ?? false })),
      ...(tls ? await berthOverTls(berth, tls) : [{ name: 'berth', port: berth.port, https: false }]),
    ]
    const results = await inTurns(targets, { ...row.load, script }, options)
    print(row, targets, results)
    if (row.routes)
      console.log(`The table of ${row.routes} routes was in use ${Math.round(loadedMs)} ms after it was stored.`)
  } finally {
    await berth.stop()
    for (const peer of peers) await peer.stop()
  }
}

/** One app that is asked, and others that are only there. */
const tableOf = (routes: number) => [
  anApp('app', UPSTREAM_PORT),
  ...Array.from({ length: routes - 1 }, (_, index) => anApp(`other-${index}`, UPSTREAM_PORT)),
]

async function berthOverTls(berth: Berth, pair: Pair): Promise<Target[]> {
  await berth.certify({ chain: await readFile(pair.cert, 'utf8'), key: await readFile(pair.key, 'utf8') })
  return [{ name: 'berth', port: berth.httpsPort, https: true }]
}

async function inTurns(
  targets: Target[],
  { path = '/', connections, headers, script }: Omit<Row['load'], 'script'> & { script: string | undefined },
  { rounds, seconds }: Options,
): Promise<Map<string, Result[]>> {
  const load = ({ port, https }: Target, duration: number) =>
    wrk({
      url: `http${https ? 's' : ''}://127.0.0.1:${port}${path}`,
      connections,
      seconds: duration,
      host: 'app.localhost',
      ...(headers ? { headers } : {}),
      ...(script ? { script } : {}),
    })
  for (const target of targets) await load(target, Math.min(2, seconds))
  const results = new Map<string, Result[]>(targets.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++)
    for (const target of targets) results.get(target.name)?.push(await load(target, seconds))
  return results
}

function print(row: Row, targets: Target[], results: Map<string, Result[]>): void {
  const of = (name: string, value: (result: Result) => number) => (results.get(name) ?? []).map(value)
  const speed = ({ perSecond, bytesPerSecond }: Result) => (row.measure === 'bytes' ? bytesPerSecond / 1e6 : perSecond)
  // Of each round its own, so that a slow moment of the machine is in both figures.
  const ratios = (name: string, value: (result: Result) => number) =>
    median(of(name, value).map((one, round) => one / (of(row.base, value)[round] ?? NaN))).toFixed(2)
  console.log(`\n${row.what}. Target: ${row.target}`)
  printTable(
    ['proxy', row.measure === 'bytes' ? 'MB/s' : 'requests/s', 'lowest–highest', 'p99 ms', `× ${row.base}`, `p99 × ${row.base}`, 'not 2xx', 'broken'],
    targets.map(({ name }) => [
      name,
      Math.round(median(of(name, speed))),
      `${Math.round(Math.min(...of(name, speed)))}–${Math.round(Math.max(...of(name, speed)))}`,
      median(of(name, ({ p99Ms }) => p99Ms)).toFixed(1),
      ratios(name, speed),
      ratios(name, ({ p99Ms }) => p99Ms),
      of(name, ({ refused }) => refused).reduce((sum, count) => sum + count, 0),
      of(name, ({ broken }) => broken).reduce((sum, count) => sum + count, 0),
    ]),
  ) // prettier-ignore
}

async function postScript(folder: string): Promise<string> {
  const file = join(folder, 'post.lua')
  await writeFile(
    file,
    'wrk.method = "POST"\nwrk.body = string.rep("x", 1024)\nwrk.headers["Content-Type"] = "application/octet-stream"\n',
  )
  return file
}

async function selfSigned(folder: string): Promise<Pair> {
  const pair = { key: join(folder, 'key.pem'), cert: join(folder, 'cert.pem') }
  if ((await readFile(pair.cert).catch(() => null)) !== null) return pair
  await run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-keyout', pair.key, '-out', pair.cert, '-subj', '/CN=app.localhost', '-addext', 'subjectAltName=DNS:app.localhost']) // prettier-ignore
  return pair
}
