/** audit, audit:export, audit:verify: who did what, and whether the log of it is whole. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { AuditEntryView, AuditHeadView, AuditView } from '#core/contract/audit.ts'
import { createVerifier, type AuditHead, type Verdict } from '#core/domain/audit.ts'
import { messageOf } from '#core/domain/errors.ts'
import type { Context, Run } from '../context.ts'
import { failed, usage } from '../failures.ts'
import { formatSince, parseCount, parseTime, type Cell } from '../text.ts'
import { requireNew, save } from '../transfer.ts'

const MOST_AT_ONCE = 500

export const list: Run = async ({ client, out, now }, _args, options) => {
  const { num, since, until, actor, operation, app, tenant } = options
  const wanted = num === undefined ? 50 : parseCount('--num', num)
  const query = {
    actor,
    operation,
    app,
    tenant,
    since: since && isoOf('--since', parseTime(since, now())),
    until: until && isoOf('--until', parseTime(until, now())),
  }
  const api = await client()
  const entries: AuditEntryView[] = []
  let next: string | null = null
  do {
    const limit = String(Math.min(MOST_AT_ONCE, wanted - entries.length))
    const page: AuditView = await api.get('/audit', { query: { ...query, limit, cursor: next ?? undefined } })
    entries.push(...page.entries)
    next = page.next
  } while (next !== null && entries.length < wanted)
  if (options.json) return out.json({ entries, next } satisfies AuditView)
  if (entries.length === 0) return out.line('Nothing of the kind is in the audit log.')
  out.table(
    ['WHEN', 'WHO', 'WHAT', 'OF', 'RESULT', 'FROM'],
    entries.map((entry) => [
      formatSince(entry.at, now()),
      whoOf(entry),
      entry.operation,
      objectOf(entry),
      resultCell(entry),
      entry.from?.address ?? '-',
    ]),
    entries.map(({ changes, unrecorded }) => [
      ...changes.map(({ field, before, after }) => `    ${field}: ${said(before)} → ${said(after)}`),
      ...(unrecorded > 0 ? [`    and ${unrecorded} more that were refused`] : []),
    ]),
  )
}

/** Days and times are taken alike; the API wants times. */
function isoOf(option: string, time: string): string {
  const at = Date.parse(time)
  if (Number.isNaN(at))
    throw usage(`${option} must be a day, a time, or how long ago, like 2026-11-01, 24h or 7d, got "${time}".`)
  return new Date(at).toISOString()
}

function whoOf({ actor: { kind, name, standsIn }, tenant }: AuditEntryView): string {
  if (kind === 'nobody') return 'nobody known'
  return standsIn ? `${name}, in place of ${tenant}` : name
}

function objectOf({ tenant, app, target }: AuditEntryView): string {
  const rest = Object.entries(target).filter(([name, value]) => name !== 'app' && name !== 'tenant' && value !== app)
  const parts = [app, tenant, ...rest.map(([name, value]) => `${name} ${value}`)]
  return parts.filter((part) => part !== null).join(', ') || '-'
}

function resultCell({ result: { status, code } }: AuditEntryView): Cell {
  if (status === null) return { text: code ?? 'left', colour: 'yellow' }
  return status < 400 ? { text: 'done', colour: 'green' } : { text: code ?? String(status), colour: 'red' }
}

const said = (value: unknown): string => (value === null ? 'nothing' : JSON.stringify(value))

export const exportTo: Run = async (context, [file = ''], options) => {
  const { client, out, cwd } = context
  const api = await client()
  const target = resolve(cwd, file)
  if (file !== '-') await requireNew(target)
  const { content } = await api.download('/audit/export')
  if (file === '-') {
    for await (const line of linesOf(content)) out.value(line)
    return
  }
  await save(context, content as AsyncIterable<Uint8Array>, target, null)
  const verdict = await verifyFiles([target])
  if (!verdict.whole) throw failed(`${file} is saved, and it is not whole: at entry ${verdict.at}, ${verdict.why}.`)
  if (options.json) out.json(verdict)
  else out.line(`Saved ${verdict.entries} entries to ${file}. Note its head elsewhere: ${textOf(verdict.head)}`)
}

export const verify: Run = async (context, files, options) => {
  const { out, cwd } = context
  const known = options.head === undefined ? undefined : readHead(options.head)
  const verdict =
    files.length > 0
      ? await verifyFiles(
          files.map((file) => resolve(cwd, file)),
          known,
        )
      : await verifyHere(context, known)
  if (options.json) out.json(verdict)
  if (!verdict.whole) throw failed(`The audit log is not whole. At entry ${verdict.at}: ${verdict.why}.`)
  if (options.json) return
  if (verdict.first === null) return out.line('The audit log is empty.')
  out.line(`Whole: ${verdict.entries} entries, ${verdict.first} to ${verdict.head.seq}. Head: ${textOf(verdict.head)}`)
}

const textOf = ({ seq, hash }: AuditHead): string => `${seq}:${hash}`

function readHead(text: string): AuditHead {
  const [, seq, hash] = /^([1-9]\d{0,14}):([0-9a-f]{64})$/.exec(text) ?? []
  if (seq === undefined || hash === undefined)
    throw usage(`--head must be SEQ:HASH, as audit:verify prints it, got "${text}".`)
  return { seq: Number(seq), hash }
}

async function verifyHere({ client }: Context, known?: AuditHead): Promise<Verdict> {
  const { content } = await (await client()).download('/audit/export')
  return walk(linesOf(content), known)
}

/** In their order, as one chain: what was archived, then what was exported. */
async function verifyFiles(files: string[], known?: AuditHead): Promise<Verdict> {
  async function* all() {
    for (const file of files) {
      const content = createReadStream(file)
      try {
        yield* linesOf(content)
      } catch (error) {
        throw failed(`${file} cannot be read: ${messageOf(error)}`)
      }
    }
  }
  return walk(all(), known)
}

/** The line with the head is the word of whoever wrote the file; a head that is known from elsewhere is worth more. */
async function walk(lines: AsyncIterable<string>, known?: AuditHead): Promise<Verdict> {
  const verifier = createVerifier(sha256, known)
  let head: AuditHead | undefined
  for await (const line of lines) {
    if (line.startsWith('{"head":')) ({ head } = JSON.parse(line) as AuditHeadView)
    else verifier.take(line)
  }
  return verifier.end(head)
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** Readline's own iterator loses an error of what it reads. */
async function* linesOf(content: Readable): AsyncGenerator<string> {
  const failure = new Promise<never>((_, reject) => void content.once('error', reject))
  failure.catch(() => {})
  const lines = createInterface({ input: content, crlfDelay: Infinity })[Symbol.asyncIterator]()
  for (;;) {
    const { value, done } = await Promise.race([lines.next(), failure])
    if (done === true) return
    if (value !== '') yield value
  }
}
