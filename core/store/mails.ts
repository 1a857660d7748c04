/** What is to be written to whom by mail, until it was handed over. An owner is `app:ID`, `tenant:ID` or `platform`. */
import { pack, unpack, type Store } from './connection.ts'
import { keys } from './keys.ts'

export type MailLine = { at: number; text: string }
/** When an owner was written to last, and how that goes. */
export type MailStanding = { lastAt: number | null; failures: number; nextAt: number | null }
export const neverWritten: MailStanding = { lastAt: null, failures: 0, nextAt: null }

const fieldOf = (owner: string, id: string): string => `${owner} ${id}`

/** @param id of what is told: adding it again changes nothing */
export async function addMailLine(store: Store, owner: string, id: string, line: MailLine): Promise<void> {
  await store.hset(keys.mailLines, fieldOf(owner, id), pack(line))
}

export type WaitingMail = { owner: string; lines: Map<string, MailLine>; standing: MailStanding }

export async function loadWaitingMail(store: Store): Promise<WaitingMail[]> {
  const rows = Object.entries(await store.hgetall(keys.mailLines))
  if (rows.length === 0) return []
  const standings = await store.hgetall(keys.mails)
  const waiting = new Map<string, WaitingMail>()
  for (const [field, text] of rows) {
    const [owner = '', id = ''] = field.split(' ')
    const standing = unpack<MailStanding>(standings[owner]) ?? neverWritten
    const mail = waiting.get(owner) ?? { owner, lines: new Map<string, MailLine>(), standing }
    mail.lines.set(id, JSON.parse(text) as MailLine)
    waiting.set(owner, mail)
  }
  return [...waiting.values()]
}

/** After a try: the lines that were handed over, or given up, are gone. */
export async function settleMail(store: Store, owner: string, gone: string[], standing: MailStanding): Promise<void> {
  const together = store.multi().hset(keys.mails, owner, pack(standing))
  if (gone.length > 0) together.hdel(keys.mailLines, ...gone.map((id) => fieldOf(owner, id)))
  await together.exec()
}

/** How many mails a tenant had on a day (`2026-11-21`). */
export const countedMails = async (store: Store, tenant: string, day: string): Promise<number> =>
  Number((await store.get(keys.mailCount(tenant, day))) ?? 0)

export async function countMail(store: Store, tenant: string, day: string): Promise<void> {
  const key = keys.mailCount(tenant, day)
  await store
    .multi()
    .incr(key)
    .expire(key, 2 * 86_400)
    .exec()
}
