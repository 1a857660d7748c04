/** Lines as syslog messages (RFC 5424), framed by counting octets (RFC 6587 §3.4.1; over TLS RFC 5425 §4.3). */
import type { DrainLine } from '#core/domain/drain.ts'

/** Facility local0 (16), severity informational (6): RFC 5424 §6.2.1. */
const PRIORITY = 16 * 8 + 6
const NIL = '-'

/** @returns one frame: `LENGTH SP MESSAGE` */
export function frameOf(line: DrainLine): Buffer {
  const message = Buffer.from(messageOf(line))
  return Buffer.concat([Buffer.from(`${message.length} `), message])
}

/** HOSTNAME is the app, APP-NAME who speaks (app, router, build, platform), PROCID the instance. */
export function messageOf({ at, app, source, ps, line }: DrainLine): string {
  const head = [`<${PRIORITY}>1`, timeOf(at), field(app, 255), field(source, 48), field(ps, 128), NIL, NIL]
  return `${head.join(' ')} ${line}`
}

/** RFC 5424 §6.2.3 allows microseconds at most; conmon says nanoseconds. */
const timeOf = (at: string): string => at.replace(/(\.\d{6})\d+/, '$1')

/** PRINTUSASCII, and never empty (§6). */
const field = (text: string, most: number): string => text.replace(/[^\x21-\x7e]/g, '_').slice(0, most) || NIL
