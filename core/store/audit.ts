/**
 * The audit log in Redis: a stream of lines whose ids are their places in the chain, the chain's head, and an index: a sorted
 * set with `TENANT:PLACE` for each entry that is a tenant's, so that nobody reads the whole log for one of them.
 */
import { GENESIS, type AuditEntry, type AuditHead } from '../domain/audit.ts'
import type { TenantId } from '../domain/ids.ts'
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
    keys.auditTenants,
    from.hash,
    from.seq + 1,
    to.hash,
    ...lines.flatMap((line) => [memberOf(line), line]),
  )) as [number, number?, string?]
  return done === 1 ? null : headFrom(seq, hash)
}

/** Padded, so that members sort like the chain. */
const place = (seq: number): string => String(seq).padStart(12, '0')

function memberOf(line: string): string {
  const { tenant, seq } = JSON.parse(line) as AuditEntry
  return tenant === null ? '' : `${tenant}:${place(seq)}`
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

/** The same of some tenants alone. */
export async function readAuditOfTenants(
  store: Store,
  tenants: readonly TenantId[],
  before: number,
  count: number,
): Promise<string[]> {
  const indexed = await Promise.all(
    tenants.map((tenant) => {
      // A semicolon comes right after a colon.
      const below = before === Infinity ? `(${tenant};` : `(${tenant}:${place(before)}`
      return store.zrevrangebylex(keys.auditTenants, below, `[${tenant}:`, 'LIMIT', 0, count)
    }),
  )
  const places = indexed.flat().map((member) => Number(member.split(':')[1]))
  const newest = places.sort((a, b) => b - a).slice(0, count)
  const rows = await Promise.all(newest.map((seq) => store.xrange(keys.audit, `${seq}-0`, `${seq}-0`)))
  return linesIn(rows.flat())
}

export const auditLength = (store: Store): Promise<number> => store.xlen(keys.audit)

/** Lets go of the oldest entries. @param lines all that there are up to the last of them */
export async function trimAudit(store: Store, lines: readonly string[]): Promise<void> {
  const last = lines.at(-1)
  if (last === undefined) return
  const members = lines.map(memberOf).filter((member) => member !== '')
  const together = store.multi().xtrim(keys.audit, 'MINID', `${(JSON.parse(last) as AuditEntry).seq + 1}-0`)
  if (members.length > 0) together.zrem(keys.auditTenants, ...members)
  await together.exec()
}
