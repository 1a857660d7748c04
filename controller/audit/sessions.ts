/** What goes on for a while, such as a push, in the audit log: that it was begun, before it is; and how it ended. */
import { clean, type AuditFacts } from '#core/domain/audit.ts'
import type { Caller } from '#core/domain/access.ts'
import { toBerthError } from '../api/errors.ts'
import type { AuditLog } from './log.ts'
import { actorOf } from './record.ts'

export type Session = {
  operation: string
  caller: Caller | null
  tenant: string | null
  app: string | null
  requestId: string
  from: { address: string; agent: string }
  target?: Record<string, string>
}

/** Whatever is in `result`, as an entry by itself. */
export function sessionFacts(
  { operation, caller, tenant, app, requestId, from, target = {} }: Session,
  result: AuditFacts['result'],
): AuditFacts {
  return {
    operation,
    requestId,
    actor: actorOf(caller ?? undefined, tenant),
    tenant,
    app,
    target,
    asked: [],
    changes: [],
    from: { address: from.address, agent: clean(from.agent) },
    result,
    unrecorded: 0,
  }
}

/**
 * @param isGood whether what came out is what was asked for
 * @throws what `act` throws; AUDIT_NOT_WRITTEN, and then nothing was begun
 */
export async function recorded<T>(
  session: Session,
  audit: AuditLog,
  act: () => Promise<T>,
  isGood: (outcome: T) => boolean,
): Promise<T> {
  await audit.write(sessionFacts(session, { status: null, code: 'BEGUN' }))
  try {
    const outcome = await act()
    await audit.write(
      sessionFacts(session, isGood(outcome) ? { status: 200, code: null } : { status: 422, code: 'NOT_DONE' }),
    )
    return outcome
  } catch (error) {
    const { status, code } = toBerthError(error)
    await audit.write(sessionFacts(session, { status, code }))
    throw error
  }
}
