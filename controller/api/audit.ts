/** The audit log: for operators all of it, for a tenant's owners what concerns their tenant. */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Request, Response } from 'express'
import {
  auditExportQuery,
  auditQuery,
  type AuditEntryView,
  type AuditHeadView,
  type AuditQuery,
  type AuditView,
} from '#core/contract/audit.ts'
import { parse } from '#core/contract/schema.ts'
import { judge, type Caller } from '#core/domain/access.ts'
import type { AuditEntry, AuditHead } from '#core/domain/audit.ts'
import { forbidden } from '#core/domain/errors.ts'
import type { TenantId } from '#core/domain/ids.ts'
import { loadAuditHead, readAudit, readAuditBack, readAuditOfTenants } from '#core/store/audit.ts'
import type { Store } from '#core/store/connection.ts'
import { callerOf } from './auth.ts'
import type { ApiContext } from './context.ts'
import type { Routes } from './routes.ts'

const PAGE = 500
/** One answer looks through so many entries at most; `next` goes on from there. */
const MAX_LOOKED = 20_000

export const auditRoutes = ({ store }: ApiContext): Routes => ({
  '/audit': {
    async GET(req, res) {
      const query = parse(auditQuery, req.query, 'query')
      res.setHeader('Cache-Control', 'no-store')
      res.json(await find(query, callerOf(req), store))
    },
  },
  '/audit/head': {
    async GET(_req, res) {
      res.setHeader('Cache-Control', 'no-store')
      res.json({ head: await loadAuditHead(store) } satisfies AuditHeadView)
    },
  },
  '/audit/export': {
    async GET(req, res) {
      await exportFrom(req, res, store)
    },
  },
})

async function find(query: AuditQuery, caller: Caller, store: Store): Promise<AuditView> {
  const whose = tenantsMeant(query, caller)
  const isMeant = matching(query)
  const found: AuditEntry[] = []
  let before = query.cursor === undefined ? Infinity : Number(query.cursor)
  for (let looked = 0; looked < MAX_LOOKED; looked += PAGE) {
    const lines = await (whose === null
      ? readAuditBack(store, before, PAGE)
      : readAuditOfTenants(store, whose, before, PAGE))
    for (const line of lines) {
      const entry = JSON.parse(line) as AuditEntry
      if (query.since !== undefined && entry.at < Date.parse(query.since)) return answer(found, null, caller)
      before = entry.seq
      if (isMeant(entry)) found.push(entry)
      if (found.length === query.limit) return answer(found, before, caller)
    }
    if (lines.length < PAGE) return answer(found, null, caller)
  }
  return answer(found, before, caller)
}

/** @returns null for all that there is. @throws FORBIDDEN for whoever owns no tenant */
function tenantsMeant({ tenant }: AuditQuery, caller: Caller): TenantId[] | null {
  if (judge(caller, 'platform:read') === 'allowed') return tenant === undefined ? null : [tenant as TenantId]
  const mine = caller.memberships.filter(({ role }) => role === 'owner').map(({ tenantId }) => tenantId)
  if (mine.length === 0 || caller.app !== null)
    throw forbidden('the audit log is shown to operators and to the owners of a tenant')
  return mine.filter((one) => tenant === undefined || one === tenant)
}

const matching =
  ({ actor, operation, app, until }: AuditQuery) =>
  (entry: AuditEntry): boolean =>
    (until === undefined || entry.at <= Date.parse(until)) &&
    (app === undefined || entry.app === app || entry.target['name'] === app) &&
    (operation === undefined || entry.operation.toLowerCase().startsWith(operation.toLowerCase())) &&
    (actor === undefined || isBy(entry, actor))

const isBy = ({ actor: { name, tokenId, userId } }: AuditEntry, wanted: string): boolean =>
  tokenId === wanted || userId === wanted || name.toLowerCase().includes(wanted.toLowerCase())

const answer = (entries: AuditEntry[], before: number | null, caller: Caller): AuditView => ({
  entries: entries.map((entry) => view(entry, caller)),
  next: before === null || before <= 1 ? null : String(before),
})

function view({ previous: _, at, ...entry }: AuditEntry, caller: Caller): AuditEntryView {
  const hides = caller.kind !== 'operator' && entry.actor.kind === 'operator'
  return { ...entry, at: new Date(at).toISOString(), from: hides ? null : entry.from }
}

/** The lines as they were hashed, and after them where the chain stood: whoever has the file needs nobody to verify it. */
async function exportFrom(req: Request, res: Response, store: Store): Promise<void> {
  const { from = 1 } = parse(auditExportQuery, req.query, 'query')
  const head = await loadAuditHead(store)
  res.status(200).type('application/x-ndjson').setHeader('Cache-Control', 'no-store')
  await pipeline(Readable.from(linesUntil(head, from, store), { objectMode: false }), res)
}

async function* linesUntil(head: AuditHead, from: number, store: Store): AsyncGenerator<string> {
  for (let next = from; next <= head.seq;) {
    const lines = (await readAudit(store, next, PAGE)).filter((line) => seqOf(line) <= head.seq)
    const last = lines.at(-1)
    if (last === undefined) break
    next = seqOf(last) + 1
    yield lines.map((line) => `${line}\n`).join('')
  }
  yield `${JSON.stringify({ head } satisfies AuditHeadView)}\n`
}

const seqOf = (line: string): number => (JSON.parse(line) as AuditEntry).seq
