/** What routers counted of an app's requests in a stretch of time: what live figures and time series are made of. */
import { LATENCY_BUCKETS, quantile, type Counts } from './latency.ts'

export type Figures = {
  /** Those that ended; WebSockets are not among them. */
  requests: number
  /** Answers of 500 to 599, of the app or of the router in its stead. */
  errors: number
  /** On the clients' connections. */
  inBytes: number
  outBytes: number
  /** How long they took: see latency.ts. */
  latency: Counts
}

/** Routers deliver what they counted in so long a stretch, by the clock. */
export const FIGURES_SLOT_MS = 2_000

export const slotOf = (now: number): number => Math.floor(now / FIGURES_SLOT_MS)

export function mergeFigures(all: readonly Figures[]): Figures {
  const latency = new Uint32Array(LATENCY_BUCKETS)
  const sum: Figures = { requests: 0, errors: 0, inBytes: 0, outBytes: 0, latency }
  for (const one of all) {
    sum.requests += one.requests
    sum.errors += one.errors
    sum.inBytes += one.inBytes
    sum.outBytes += one.outBytes
    for (let bucket = 0; bucket < LATENCY_BUCKETS; bucket++) {
      const count = one.latency[bucket] ?? 0
      if (count > 0) latency[bucket] = (latency[bucket] ?? 0) + count
    }
  }
  return sum
}

export type Rates = {
  requestsPerSecond: number
  errorsPerSecond: number
  p50Ms: number | null
  p95Ms: number | null
  bytesInPerSecond: number
  bytesOutPerSecond: number
}

/** @param seconds in which all this was counted */
export function ratesOf({ requests, errors, inBytes, outBytes, latency }: Figures, seconds: number): Rates {
  return {
    requestsPerSecond: requests / seconds,
    errorsPerSecond: errors / seconds,
    p50Ms: rounded(quantile(latency, 0.5)),
    p95Ms: rounded(quantile(latency, 0.95)),
    bytesInPerSecond: Math.round(inBytes / seconds),
    bytesOutPerSecond: Math.round(outBytes / seconds),
  }
}

const rounded = (ms: number | null): number | null => ms && Number(ms.toPrecision(3))

// ── as the store holds them ──────────────────────────────────────────────────────────────────────────────────────────

/** `12 1 4096 90210 31:10 44:2`: requests, errors, bytes in and out, and each bucket that is not empty. */
export function packFigures({ requests, errors, inBytes, outBytes, latency }: Figures): string {
  let text = `${requests} ${errors} ${inBytes} ${outBytes}`
  for (let bucket = 0; bucket < LATENCY_BUCKETS; bucket++) {
    const count = latency[bucket] ?? 0
    if (count > 0) text += ` ${bucket}:${count}`
  }
  return text
}

export function unpackFigures(text: string): Figures {
  const [requests, errors, inBytes, outBytes, ...pairs] = text.split(' ')
  const latency = new Uint32Array(LATENCY_BUCKETS)
  for (const pair of pairs) {
    const [bucket, count] = pair.split(':').map(Number)
    if (bucket !== undefined && bucket < LATENCY_BUCKETS) latency[bucket] = count ?? 0
  }
  return {
    requests: Number(requests),
    errors: Number(errors),
    inBytes: Number(inBytes),
    outBytes: Number(outBytes),
    latency,
  }
}
