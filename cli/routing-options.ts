/** The grammar of routing:set's options. Pure. */
import type { PatchRouting } from '#core/contract/api.ts'
import type { Options } from './context.ts'
import { usage } from './failures.ts'

/** What of an app's routing the options name. */
export function routingFrom(options: Options): PatchRouting {
  const { bodyLimit, firstByteTimeout, idleTimeout, concurrency, sticky, protocol, forceHttps } = options
  const patch: PatchRouting = {}
  if (bodyLimit !== undefined) patch.bodyLimitBytes = parseBytes('--body-limit', bodyLimit)
  if (firstByteTimeout !== undefined) patch.firstByteMs = parseMs('--first-byte-timeout', firstByteTimeout)
  if (idleTimeout !== undefined) patch.idleMs = parseMs('--idle-timeout', idleTimeout)
  if (concurrency !== undefined) patch.concurrency = parseConcurrency(concurrency)
  if (sticky !== undefined) patch.sticky = parseSwitch('--sticky', sticky)
  if (protocol !== undefined) patch.protocol = parseProtocol(protocol)
  if (forceHttps !== undefined) patch.forceHttps = parseSwitch('--force-https', forceHttps)
  return patch
}

const inBytes: Record<string, number> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 }

/** @returns bytes from `10M`, `512K`, `1.5G` or `1000`; null for `none` */
function parseBytes(option: string, text: string): number | null {
  if (text === 'none') return null
  const match = /^(\d{1,12}(?:\.\d{1,6})?)(K|M|G|)(?:i?B)?$/i.exec(text)
  if (!match) throw usage(`${option} must be a size like 10M or 512K, or none; got "${text}".`)
  return Math.round(Number(match[1]) * (inBytes[match[2]?.toUpperCase() ?? ''] ?? 1))
}

const inMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** @returns milliseconds from `500ms`, `30s`, `5m` or `1h`; a bare number means seconds */
export function parseMs(option: string, text: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|)$/.exec(text)
  if (!match) throw usage(`${option} must be a time like 30s, 5m or 500ms, got "${text}".`)
  return Math.round(Number(match[1]) * (inMs[match[2] === '' ? 's' : (match[2] ?? 's')] ?? 1000))
}

function parseConcurrency(text: string): PatchRouting['concurrency'] {
  if (text === 'none') return null
  const match = /^(\d{1,6}):(\d{1,6})$/.exec(text)
  if (!match) throw usage(`--concurrency must be SOFT:HARD like 50:100, or none; got "${text}".`)
  return { soft: Number(match[1]), hard: Number(match[2]) }
}

export function parseSwitch(option: string, text: string): boolean {
  if (text !== 'on' && text !== 'off') throw usage(`${option} must be on or off, got "${text}".`)
  return text === 'on'
}

function parseProtocol(text: string): 'http1' | 'h2c' {
  if (text !== 'http1' && text !== 'h2c') throw usage(`--protocol must be http1 or h2c, got "${text}".`)
  return text
}
