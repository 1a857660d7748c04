/** One run of wrk on the other CPU. */
import { run } from '#core/runtime/process.ts'
import { UPSTREAM_CPU } from './pinned.ts'

export type Load = {
  url: string
  connections: number
  seconds: number
  host: string
  /** `name: value` */
  headers?: string[]
  /** A Lua file that says what to ask. */
  script?: string
}

export type Result = {
  perSecond: number
  bytesPerSecond: number
  p99Ms: number
  /** Answers of another status than 2xx and 3xx, and connections that failed. */
  refused: number
  broken: number
}

const STARTING_AND_ENDING_MS = 30_000

export async function wrk({ url, connections, seconds, host, headers = [], script }: Load): Promise<Result> {
  const fields = [`Host: ${host}`, ...headers].flatMap((field) => ['-H', field])
  const settings = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '20s', '--latency', ...fields]
  const argv: [string, ...string[]] = ['taskset', '-c', String(UPSTREAM_CPU), 'wrk', ...settings]
  const { stdout } = await run([...argv, ...(script ? ['-s', script] : []), url], {
    timeoutMs: seconds * 1000 + STARTING_AND_ENDING_MS,
  })
  return readResult(stdout)
}

export function readResult(text: string): Result {
  const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text)?.slice(1) ?? []
  return {
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]),
    bytesPerSecond: inUnits(/Transfer\/sec:\s+([\d.]+)([KMG]?B)/.exec(text), {
      B: 1,
      KB: 1024,
      MB: 1024 ** 2,
      GB: 1024 ** 3,
    }),
    p99Ms: inUnits(/^\s+99%\s+([\d.]+)(us|ms|s|m)$/m.exec(text), { us: 0.001, ms: 1, s: 1000, m: 60_000 }),
    refused: Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0),
    broken: errors.reduce((sum, count) => sum + Number(count), 0),
  }
}

function inUnits(match: RegExpExecArray | null, units: Record<string, number>): number {
  return Number(match?.[1]) * (units[match?.[2] ?? ''] ?? NaN)
}
