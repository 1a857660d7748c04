/** The audit log in Redis: a stream of lines whose ids are their places in the chain, and the chain's head. */
import { GENESIS, type AuditHead } from '../domain/audit.ts'
import type { Store } from './connection.ts'
import { keys } from './keys.ts'

/**
 * Appends lines that were chained to a head.
 * @returns null when they are there; the head that is there instead of that which they were chained to
 */
export async function appendAudit(
  store: Store,
  from: AuditHead,
  lines: string[],
  to: AuditHead,
): Promise<AuditHead | null> {
  const [done, seq, hash] = (await store.appendAudit(
    keys.auditHead,
    keys.audit,
    from.hash,
    from.seq + 1,
    to.hash,
    ...lines,
  )) as [number, number?, string?]
  return done === 1 ? null : headFrom(seq, hash)
}

export async function loadAuditHead(store: Store): Promise<AuditHead> {
  const { seq, hash } = await store.hgetall(keys.auditHead)
  return headFrom(Number(seq ?? 0), hash)
}

const headFrom = (seq = 0, hash = ''): AuditHead => (seq === 0 ? GENESIS : { seq, hash })

type Rows = [id: string, fields: string[]][]
const linesIn = (rows: Rows): string[] => rows.map(([, fields]) => fields[1] ?? '')

/** The oldest first. @param from a place in the chain */
export async function readAudit(store: Store, from: number, count: number): Promise<string[]> {
  return linesIn(await store.xrange(keys.audit, `${from}-0`, '+', 'COUNT', count))
}

/** The newest first. @param before a place in the chain, which is left out */
export async function readAuditBack(store: Store, before: number, count: number): Promise<string[]> {
  if (before <= 1) return []
  const from = before === Infinity ? '+' : `${before - 1}-0`
  return linesIn(await store.xrevrange(keys.audit, from, '-', 'COUNT', count))
}

export const auditLength = (store: Store): Promise<number> => store.xlen(keys.audit)

/** Lets go of the entries before a place. */
export async function trimAudit(store: Store, before: number): Promise<void> {
  await store.xtrim(keys.audit, 'MINID', `${before}-0`)
}
