/**
 * Writes the audit log. What is asked for at the same time is chained and sent together; when another controller was faster,
 * its entries come first and ours are chained anew.
 */
import { createHash } from 'node:crypto'
import { chain, GENESIS, type AuditFacts, type AuditHead } from '#core/domain/audit.ts'
import { auditNotWritten } from '#core/domain/errors.ts'
import { appendAudit, loadAuditHead } from '#core/store/audit.ts'
import type { Store } from '#core/store/connection.ts'

export type AuditLog = {
  /** Resolves when the entry is in the log. @throws AUDIT_NOT_WRITTEN: it is not known to be there */
  write(facts: AuditFacts): Promise<void>
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

type Waiting = { facts: AuditFacts; at: number; done: () => void; failed: (error: Error) => void }

const MAX_TOGETHER = 200
/** How often somebody else may be faster. */
const MAX_TRIES = 50

export function createAuditLog({ store, now }: { store: Store; now: () => number }): AuditLog {
  const waiting: Waiting[] = []
  let head: AuditHead | null = null
  let isWriting = false

  async function writeAll(): Promise<void> {
    isWriting = true
    while (waiting.length > 0) {
      const together = waiting.splice(0, MAX_TOGETHER)
      try {
        await append(together)
        for (const { done } of together) done()
      } catch (error) {
        // Whether they are there is not known: the next ones ask for the head.
        head = null
        for (const { failed } of together) failed(auditNotWritten(error))
      }
    }
    isWriting = false
  }

  async function append(together: Waiting[]): Promise<void> {
    let from = head ?? (await loadAuditHead(store))
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const lines: string[] = []
      let to = from
      for (const { facts, at } of together) {
        const chained = chain(facts, at, to, sha256)
        lines.push(chained.line)
        to = chained.head
      }
      const other = await appendAudit(store, from, lines, to)
      if (other === null) return void (head = to)
      from = other.seq === 0 ? GENESIS : other
    }
    throw new Error(`other controllers were faster ${MAX_TRIES} times`)
  }

  return {
    write(facts) {
      return new Promise((resolve, reject) => {
        waiting.push({ facts, at: now(), done: resolve, failed: reject })
        if (!isWriting) void writeAll()
      })
    },
  }
}
