/**
 * ◆ The audit log: who did what, to what, from where, and how it ended. Entries form a chain: each carries the hash of the one
 * before it, so none can be changed, removed or put between two others without every later hash giving it away.
 */
import type { TokenId, UserId } from './ids.ts'

export type AuditActor = {
  kind: 'operator' | 'member' | 'agent' | 'nobody'
  name: string
  tokenId: TokenId | null
  userId: UserId | null
  /** An operator who acts in a tenant that has not made them a member: in its place, by the right of the platform alone. */
  standsIn?: true
}

/** A field of what an operation is about. Config vars are named and never shown. */
export type AuditChange = { field: string; before: unknown; after: unknown }

/** What is known of an entry before it has its place in the chain. */
export type AuditFacts = {
  /** Of the API `PATCH /apps/:app/config`; else a few words, such as `git push`. */
  operation: string
  requestId: string
  actor: AuditActor
  /** Whom it concerns; null: the platform. */
  tenant: string | null
  app: string | null
  /** What the path named, and what was made. */
  target: Record<string, string>
  /** The names of the fields that were sent. */
  asked: string[]
  changes: AuditChange[]
  /** `address` as the controller saw it; `agent` is the client's own word. */
  from: { address: string; agent: string }
  /** An HTTP status, or for what is no HTTP the one that says the same; null: it had only begun. */
  result: { status: number | null; code: string | null }
  /** Refusals of the same caller that were too many to write down, since the one before. */
  unrecorded: number
}

export type AuditEntry = { seq: number; at: number; previous: string } & AuditFacts

/** Where a chain stands: the place and the hash of its last entry. */
export type AuditHead = { seq: number; hash: string }

/** What the first entry of all carries. */
export const GENESIS: AuditHead = { seq: 0, hash: '0'.repeat(64) }

/** SHA-256, in hex. */
export type Hash = (text: string) => string

/** The line that is stored and hashed, and the chain's new head. */
export function chain(facts: AuditFacts, at: number, head: AuditHead, hash: Hash): { line: string; head: AuditHead } {
  const seq = head.seq + 1
  const line = JSON.stringify({ seq, at, ...facts, previous: head.hash } satisfies AuditEntry)
  return { line, head: { seq, hash: hash(line) } }
}

export type Verdict =
  { whole: true; entries: number; first: number | null; head: AuditHead } | { whole: false; at: number; why: string }

/** Walks along a chain, line by line. @param known what an entry of it is known to be, from elsewhere */
export function createVerifier(
  hash: Hash,
  known?: AuditHead,
): {
  take(line: string): void
  /** @param expected where the chain is said to end */
  end(expected?: AuditHead): Verdict
} {
  let head: AuditHead | null = null
  let first: number | null = null
  let entries = 0
  let broken: { at: number; why: string } | null = null
  const breakOff = (at: number, why: string) => void (broken ??= { at, why })

  return {
    take(line) {
      if (broken) return
      const entry = read(line)
      const expected = head === null ? null : head.seq + 1
      if (entry === null) return breakOff(expected ?? 1, 'it is not an entry')
      if (expected !== null && entry.seq !== expected)
        return breakOff(expected, `entry ${entry.seq} comes where ${expected} should be: something is missing`)
      if (head !== null && entry.previous !== head.hash)
        return breakOff(head.seq, `it was changed: entry ${entry.seq} knows it by another hash`)
      if (entry.seq === 1 && entry.previous !== GENESIS.hash)
        return breakOff(1, 'it claims to be the first, and something before it')
      if (first === null && known?.seq === entry.seq - 1 && known.hash !== entry.previous)
        return breakOff(known.seq, 'it has another hash than is known of it')
      first ??= entry.seq
      entries += 1
      head = { seq: entry.seq, hash: hash(line) }
      if (known?.seq === head.seq && known.hash !== head.hash)
        breakOff(head.seq, 'it has another hash than is known of it')
    },
    end(expected) {
      if (broken) return { whole: false, ...broken }
      const last = head ?? GENESIS
      if (expected && expected.seq > last.seq)
        return { whole: false, at: last.seq + 1, why: `the chain ends at ${last.seq}, and it was at ${expected.seq}` }
      if (known && known.seq > last.seq)
        return { whole: false, at: last.seq + 1, why: `the chain ends at ${last.seq}, and ${known.seq} is known of it` }
      if (known && first !== null && known.seq < first - 1)
        return { whole: false, at: known.seq, why: `it is known, and what is here begins at ${first}` }
      if (expected?.seq === last.seq && expected.hash !== last.hash)
        return { whole: false, at: last.seq, why: 'it was changed: it has another hash than was written down' }
      return { whole: true, entries, first, head: last }
    },
  }
}

function read(line: string): AuditEntry | null {
  try {
    const entry = JSON.parse(line) as Partial<AuditEntry> | null
    return Number.isSafeInteger(entry?.seq) && typeof entry?.previous === 'string' ? (entry as AuditEntry) : null
  } catch {
    return null
  }
}

const MAX_TEXT = 200
const MAX_VALUE = 500
/** API tokens and keys of any generation: whoever pastes one in the wrong place must not find it in a log. */
const SECRET = /berth[a-z]{0,8}_[A-Za-z0-9_-]{16,}/g

/** Of a URL. */
const CREDENTIALS = /\/\/[^/@\s]*@/g

/** A stranger's text as one short line without what drives a terminal or turns the direction of writing. */
export function clean(text: string, most = MAX_TEXT): string {
  const line = text
    .replace(SECRET, '[token]')
    .replace(CREDENTIALS, '//[secret]@')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '\u{FFFD}')
  return line.length <= most ? line : `${line.slice(0, most)}…`
}

export type Snapshot = Record<string, unknown>

/**
 * What differs between two looks at one thing.
 * @param before null: it was not there. @param after null: it is gone
 */
export function changesBetween(before: Snapshot | null, after: Snapshot | null): AuditChange[] {
  const fields = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])]
  return fields.flatMap((field) => {
    const [was, is] = [before?.[field] ?? null, after?.[field] ?? null]
    return JSON.stringify(was) === JSON.stringify(is) ? [] : [{ field, before: brief(was), after: brief(is) }]
  })
}

/** Names of what has other values now, where the values are secrets: `{ TOKEN: 'changed' }`. */
export function namesChanged(before: Record<string, string>, after: Record<string, string>): Record<string, string> {
  const said = (name: string) => {
    if (!Object.hasOwn(before, name)) return 'added'
    return Object.hasOwn(after, name) ? 'changed' : 'removed'
  }
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  const differing = names.filter((name) => before[name] !== after[name])
  return Object.fromEntries(differing.map((name) => [name, said(name)]))
}

function brief(value: unknown): unknown {
  const veiled = JSON.stringify(value, veil)
  return veiled.length <= MAX_VALUE
    ? (JSON.parse(veiled) as unknown)
    : `${veiled.slice(0, MAX_VALUE)}… (${veiled.length} characters)`
}

/** By their names, whatever a record will hold one day: no such field is shown. */
const SECRET_NAME = /secret|token|password|passphrase|credential|hash|private|users/i

function veil(name: string, value: unknown): unknown {
  if (SECRET_NAME.test(name) && value !== null && typeof value !== 'boolean') return '[secret]'
  return typeof value === 'string' ? clean(value, MAX_VALUE) : value
}

/** Who keeps being refused fills no log: so many a minute of each are written down, the others are counted. */
export type Tally = { since: number; written: number; unrecorded: number }
const REFUSALS_PER_MINUTE = 30

/** @returns null when this one is not to be written */
export function tally(known: Tally | undefined, now: number): { next: Tally; unrecorded: number | null } {
  const isCurrent = known !== undefined && now - known.since < 60_000
  const current = isCurrent ? known : { since: now, written: 0, unrecorded: known?.unrecorded ?? 0 }
  if (current.written >= REFUSALS_PER_MINUTE)
    return { next: { ...current, unrecorded: current.unrecorded + 1 }, unrecorded: null }
  return { next: { ...current, written: current.written + 1, unrecorded: 0 }, unrecorded: current.unrecorded }
}
