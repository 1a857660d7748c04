/** The grammar of a plan's options, and how a plan is shown. Pure. */
import type { PatchPlan, PlanView } from '#core/contract/api.ts'
import type { RequestRate, TrafficCaps } from '#core/domain/quota.ts'
import type { Options } from './context.ts'
import { usage } from './failures.ts'
import { formatBytes, formatCores, formatMegabytes, parseCount, parseCpu, parseSize } from './text.ts'

/** What of a plan the options name. */
export function limitsFrom(options: Options): PatchPlan {
  const { egress, cpuHours, requests } = options
  const limits = {
    memoryMb: read(options.memory, (text) => parseSize('--memory', text)),
    cpuMilli: read(options.cpu, parseCpu),
    diskMb: read(options.disk, (text) => parseSize('--disk', text)),
    instances: read(options.instances, (text) => parseCount('--instances', text)),
    apps: read(options.apps, (text) => parseCount('--apps', text)),
    instanceMemoryMb: read(options.instanceMemory, (text) => parseSize('--instance-memory', text)),
    weight: read(options.weight, (text) => parseCount('--weight', text)),
    requestRate: rateFrom(options),
    logKb: read(options.logSize, (text) => parseKilobytes('--log-size', text)),
  }
  const budget = {
    egressBytes: read(egress, (text) => monthly('--egress', text, (amount) => parseSize('--egress', amount) * MIB)),
    cpuSeconds: read(cpuHours, (text) => monthly('--cpu-hours', text, (n) => parseCount('--cpu-hours', n) * 3600)),
    requests: read(requests, (text) => monthly('--requests', text, (amount) => parseAmount('--requests', amount))),
  }
  const ceilings = {
    networkMbit: read(options.bandwidth, (text) => parseMbit('--bandwidth', text)),
    connections: read(options.connections, (text) => parseCount('--connections', text)),
    connectionsPerSecond: read(options.connectionRate, (text) => parseCount('--connection-rate', text)),
    logKbPerSecond: read(options.logRate, (text) => parseKilobytes('--log-rate', text)),
    ioMbPerSecond: read(options.io, (text) => parseSize('--io', text)),
  }
  return {
    ...given(limits),
    ...nested({ traffic: trafficFrom(options), budget: given(budget), ceilings: given(ceilings) }),
  }
}

/** The rate of requests that `--rps` and `--burst` name. */
export function rateFrom({ rps, burst }: Options): RequestRate | undefined {
  if (burst !== undefined && rps === undefined) throw usage('--burst goes with --rps: give both.')
  return read(rps, (text) => rateOf(parseCount('--rps', text), burst))
}

/** What of the routers' traffic the options name; `none` takes a limit back. */
export function trafficFrom(options: Options): Partial<TrafficCaps> {
  const count = (option: string, text: string | undefined) =>
    read(text, (given) => (given === 'none' ? null : parseCount(option, given)))
  const bits = (option: string, text: string | undefined) =>
    read(text, (given) => (given === 'none' ? null : parseMbit(option, given) * BYTES_PER_MBIT))
  return given({
    concurrent: count('--concurrent', options.concurrent),
    connections: count('--client-connections', options.clientConnections),
    webSockets: count('--websockets', options.websockets),
    inBytesPerSecond: bits('--bandwidth-in', options.bandwidthIn),
    outBytesPerSecond: bits('--bandwidth-out', options.bandwidthOut),
  })
}

const BYTES_PER_MBIT = 125_000

const MIB = 1024 ** 2
/** How many requests may come at once, as the seconds that they would take at the steady rate. */
const BURST_SECONDS = 2

const read = <T>(text: string | undefined, parse: (text: string) => T): T | undefined =>
  text === undefined ? undefined : parse(text)

const rateOf = (perSecond: number, burst: string | undefined) => ({
  perSecond,
  burst: burst === undefined ? Math.max(1, perSecond * BURST_SECONDS) : parseCount('--burst', burst),
})

/** `100G/month`, `100G` or `none`. */
function monthly(option: string, text: string, parse: (amount: string) => number): number | null {
  if (text === 'none') return null
  const match = /^([^/]+)(\/month)?$/.exec(text)
  if (!match) throw usage(`${option} is an amount per calendar month like 100G/month, or none; got "${text}".`)
  return parse(match[1] ?? '')
}

/** @returns a number from `5M`, `500K`, `2G` (thousands) or `1234` */
function parseAmount(option: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(K|M|G|)$/i.exec(text)
  const amount = match ? Number(match[1]) * (inThousands[match[2]?.toUpperCase() ?? ''] ?? NaN) : NaN
  if (!Number.isInteger(amount)) throw usage(`${option} must be a number like 500K or 10M, got "${text}".`)
  return amount
}

const inThousands: Record<string, number> = { '': 1, K: 1e3, M: 1e6, G: 1e9 }

/** @returns Mbit/s from `100M`, `1G` or `100` */
function parseMbit(option: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(M|G|)(?:bit)?$/i.exec(text)
  const mbit = match ? Math.round(Number(match[1]) * (match[2]?.toUpperCase() === 'G' ? 1000 : 1)) : 0
  if (mbit < 1) throw usage(`${option} must be bits per second like 100M or 1G, got "${text}".`)
  return mbit
}

/** @returns KiB from `64K`, `1M` or `64` */
function parseKilobytes(option: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(K|M|)(?:i?B)?$/i.exec(text)
  const kilobytes = match ? Math.round(Number(match[1]) * (match[2]?.toUpperCase() === 'M' ? 1024 : 1)) : 0
  if (kilobytes < 1) throw usage(`${option} must be bytes like 64K or 1M, got "${text}".`)
  return kilobytes
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

const given = <T extends object>(values: T): Given<T> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Given<T>

const nested = <T extends Record<string, object>>(parts: T): Partial<T> =>
  Object.fromEntries(Object.entries(parts).filter(([, part]) => Object.keys(part).length > 0)) as Partial<T>

/** All that a plan says, as `name: value` lines. */
export function planFacts(plan: PlanView): [string, string][] {
  const { budget, ceilings, requestRate, traffic } = plan
  return [
    ['Plan', plan.name],
    ['Memory', formatMegabytes(plan.memoryMb)],
    ['CPU', `${formatCores(plan.cpuMilli)} on a host, weight ${plan.weight}`],
    ['Disk', formatMegabytes(plan.diskMb)],
    ['Instances', `${plan.instances}, of at most ${formatMegabytes(plan.instanceMemoryMb)} each`],
    ['Apps', String(plan.apps)],
    ['Requests', `${requestRate.perSecond} per second, ${requestRate.burst} at once`],
    ...trafficFacts(traffic),
    ['Requests a month', budget.requests === null ? 'no limit' : String(budget.requests)],
    ['Egress', budget.egressBytes === null ? 'no limit' : `${formatBytes(budget.egressBytes)} a month`],
    ['CPU time', budget.cpuSeconds === null ? 'no limit' : `${hours(budget.cpuSeconds)} hours a month`],
    ["Each app's log", `${plan.logKb} KiB`],
    [
      'An instance',
      [
        `${ceilings.networkMbit} Mbit/s`,
        `${ceilings.connections} connections, ${ceilings.connectionsPerSecond} new a second`,
        `logs ${ceilings.logKbPerSecond} KiB/s`,
        `disk ${ceilings.ioMbPerSecond} MiB/s`,
      ].join('; '),
    ],
  ]
}

/** What of the routers may be taken at a time. */
export function trafficFacts(caps: TrafficCaps): [string, string][] {
  const count = (limit: number | null) => (limit === null ? 'no limit' : String(limit))
  const bits = (limit: number | null) => (limit === null ? 'no limit' : `${(limit * 8) / 1e6} Mbit/s`)
  return [
    [
      'At a time',
      `requests: ${count(caps.concurrent)}; connections: ${count(caps.connections)}; WebSockets: ${count(caps.webSockets)}`,
    ],
    ['Request bodies', bits(caps.inBytesPerSecond)],
    ['Response bodies', bits(caps.outBytesPerSecond)],
  ]
}

/** CPU seconds as hours, with up to two decimals. */
export const hours = (seconds: number): string => String(Math.round(seconds / 36) / 100)
