/**
 * Writes what the API is asked into the audit log, whichever route it is. The answer is held back until the entry is there: so
 * whatever somebody was told is in the log, also if everything is killed at that moment.
 */
import type { Request, RequestHandler, Response } from 'express'
import { clean, tally, type AuditActor, type AuditChange, type AuditFacts, type Tally } from '#core/domain/audit.ts'
import { homeOf, standsIn, type Caller, type Target } from '#core/domain/access.ts'
import type { AppName } from '#core/domain/ids.ts'
import type { Log } from '#core/runtime/log.ts'
import type { Store } from '#core/store/connection.ts'
import type { AuditLog } from './log.ts'
import { compare, lookAt, type Look, type Subject } from './snapshot.ts'

export type RecordContext = { audit: AuditLog; store: Store; log: Log; now: () => number }

/** What is found out about a call on its way. */
type Call = {
  operation: string | null
  tenant: string | null
  app: string | null
  code: string | null
  subject: Subject | null
  before: Look | null
  notes: AuditNotes
}

export type AuditNotes = {
  /** Where the route does not say what happens, such as `login`. */
  operation?: string
  /** Who it is, where the call began with nobody: a login. */
  actor?: AuditActor
  tenant?: string
  /** Ids of what was made, or is named by the body. */
  target?: Record<string, string>
  changes?: AuditChange[]
  /** Why it failed, where the answer does not say. */
  code?: string
}

const calls = new WeakMap<Request, Call>()

/** For handlers: more than the route tells, and never a secret. */
export function noteAudit(req: Request, notes: AuditNotes): void {
  const call = calls.get(req)
  if (!call) return
  const { target, changes, ...rest } = notes
  Object.assign(call.notes, rest)
  call.notes.target = { ...call.notes.target, ...target }
  call.notes.changes = [...(call.notes.changes ?? []), ...(changes ?? [])]
}

/** Reading these is seeing secrets. */
const secretReads = new Set(['GET /apps/:app/config', 'GET /backup'])

/** Told by admission, first of all: what is asked for, as the table of operations has it. */
export function noteOperation(req: Request, operation: string): void {
  const call = calls.get(req)
  if (call) call.operation = operation
}

/** Told by admission, before the handler: of what. */
export async function noteTarget(req: Request, target: Target, app: AppName | null, store: Store): Promise<void> {
  const call = calls.get(req)
  const operation = call?.operation
  if (!call || !operation) return
  call.tenant = target.tenantId
  call.app = app
  if (!isChange(req)) return
  const named = (name: string) => (operation.includes(`/:${name}`) ? textOf(req.params[name]) : null)
  const { appId, tenantId } = target
  const stacks = operation.split(' ')[1] === '/stacks'
  call.subject = { appId, tenantId, host: named('host'), plan: named('plan'), stacks }
  call.before = await lookAt(call.subject, store)
}

/** Told where errors are answered; writes at once when nobody is there to be answered. */
export function noteFailure(req: Request, code: string): void {
  const call = calls.get(req)
  if (call) call.code = code
}

/** Pushes have entries of their own (sessions.ts). */
const isChange = ({ method, originalUrl }: Request) =>
  method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS' && /^\/v1(\/|\?|$)/.test(originalUrl)

export function recordCalls(context: RecordContext): RequestHandler {
  const refusals = new Map<string, Tally>()
  return (req, res, next) => {
    const [, door] = /^\/(v1|git)(?:\/|$)/.exec(req.path) ?? []
    if (door === undefined) return next()
    const call: Call = {
      operation: null,
      tenant: null,
      app: null,
      code: null,
      subject: null,
      before: null,
      notes: {},
    }
    calls.set(req, call)
    const end = res.end.bind(res)
    let isWritten = false
    const write = async (status: number | null, made: unknown) => {
      isWritten = true
      if (!isWorthIt(req, call, status)) return
      const unrecorded = status !== null && status >= 400 ? admitRefusal(req, refusals, context.now()) : 0
      if (unrecorded !== null)
        await context.audit.write({ ...(await factsOf(req, res, call, status, made, context)), unrecorded })
    }
    res.end = function (this: Response, ...args: unknown[]) {
      res.end = end
      const finish = () => void (end as (...all: unknown[]) => void)(...args)
      if (!isWorthIt(req, call, res.statusCode)) {
        isWritten = true
        finish()
        return this
      }
      write(res.statusCode, args[0]).then(finish, (error: unknown) => {
        context.log.error('audit entry not written', { operation: call.operation, error })
        // A refusal stays one. What was done and cannot be vouched for is not called done.
        if (res.statusCode >= 400 || res.headersSent) return finish()
        next(error)
      })
      return this
    } as typeof res.end
    // The client left before its answer. What it asked for may still go on, and is written as begun by somebody who left.
    res.on('close', () => {
      if (isWritten) return
      write(null, null).catch((error: unknown) => context.log.error('audit entry not written', { error }))
    })
    next()
  }
}

function isWorthIt(req: Request, { operation }: Call, status: number | null): boolean {
  if (isChange(req)) return true
  // Git, and people, ask without credentials first; that is no attempt.
  if (status === 401) return req.headers.authorization !== undefined
  if (status === 403) return true
  return operation !== null && secretReads.has(operation)
}

const MAX_REFUSED = 10_000

/** @returns how many of the same caller went by unrecorded; null: this one does, too */
function admitRefusal(req: Request, refusals: Map<string, Tally>, now: number): number | null {
  const key = (req.user as Caller | undefined)?.tokenId ?? req.ip ?? ''
  const { next, unrecorded } = tally(refusals.get(key), now)
  refusals.delete(key)
  refusals.set(key, next)
  const [oldest] = refusals.keys()
  if (refusals.size > MAX_REFUSED && oldest !== undefined) refusals.delete(oldest)
  return unrecorded
}

async function factsOf(
  req: Request,
  res: Response,
  call: Call,
  status: number | null,
  answer: unknown,
  { store }: RecordContext,
): Promise<AuditFacts> {
  const caller = req.user as Caller | undefined
  const { notes } = call
  const succeeded = status !== null && status < 400
  const changed =
    succeeded && call.subject && call.before ? compare(call.before, await lookAt(call.subject, store)) : []
  const { tenant = null, ...made } = succeeded ? madeBy(req, answer) : {}
  const concerned = notes.tenant ?? call.tenant ?? tenant ?? (caller ? homeOf(caller) : null)
  return {
    operation: notes.operation ?? call.operation ?? unnamed(req, status),
    requestId: String(res.getHeader('X-Request-Id')),
    actor: notes.actor ?? actorOf(caller, concerned),
    tenant: concerned,
    app: call.app,
    target: { ...namedBy(req, call), ...made, ...notes.target },
    asked: fieldsOf(req.body),
    changes: [...changed, ...(notes.changes ?? [])],
    from: { address: req.ip ?? '', agent: clean(req.get('user-agent') ?? '') },
    result: { status, code: notes.code ?? call.code },
    unrecorded: 0,
  }
}

/** Nobody knows what it was to be; the path is a stranger's text. */
const unnamed = ({ method }: Request, status: number | null): string =>
  status === 401 ? 'token refused' : `${clean(method, 10)} of a page that is not there`

/** @param tenant whom it concerns */
export function actorOf(caller: Caller | undefined, tenant: string | null): AuditActor {
  if (!caller) return { kind: 'nobody', name: '', tokenId: null, userId: null }
  const { kind, actor, tokenId, userId } = caller
  return { kind, name: clean(actor, 100), tokenId, userId, ...(standsIn(caller, tenant) ? { standsIn: true } : {}) }
}

/** Only of a route that is known: what else a path holds is a stranger's text. */
function namedBy(req: Request, { operation }: Call): Record<string, string> {
  if (operation === null) return {}
  const names = Object.keys(req.params).filter((name) => operation.includes(`/:${name}`))
  return Object.fromEntries(names.map((name) => [name, clean(textOf(req.params[name]) ?? '', 100)]))
}

/** What was made is what the answer calls it. */
function madeBy(req: Request, answer: unknown): Record<string, string> {
  if (req.method !== 'POST' || !(typeof answer === 'string' || Buffer.isBuffer(answer))) return {}
  const made = parse(answer.toString())
  const said = ['id', 'name', 'tenant'].flatMap((field) => {
    const value = made?.[field]
    return typeof value === 'string' ? [[field, clean(value, 100)]] : []
  })
  return Object.fromEntries(said) as Record<string, string>
}

/** Names alone: some of the values are secrets. */
function fieldsOf(body: unknown): string[] {
  if (typeof body !== 'string' || body === '') return []
  return Object.keys(parse(body) ?? {})
    .slice(0, 50)
    .map((name) => clean(name, 64))
}

function parse(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)
