/** Writes to those who want mail, where the reconciler leads. What is to be written stays in the store until it was handed over. */
import { recipientsFrom } from '#core/domain/alert.ts'
import { isId, type AppId, type TenantId } from '#core/domain/ids.ts'
import type { Owner } from '#core/domain/webhook.ts'
import { messageOf } from '#core/domain/errors.ts'
import { repeat } from '#core/runtime/clock.ts'
import type { Log } from '#core/runtime/log.ts'
import { loadAlertSettings, ownersAbove } from '#core/store/alerts.ts'
import { loadApp } from '#core/store/apps.ts'
import type { Store } from '#core/store/connection.ts'
import { countedMails, countMail, loadWaitingMail, settleMail, type WaitingMail } from '#core/store/mails.ts'
import { afterFailure, afterMail, mailDueAt } from './mail-due.ts'
import { mailOf } from './mail-text.ts'
import type { Mailer } from './mailer.ts'
import { mayBeWrittenTo } from './recipients.ts'

export type MailContext = {
  store: Store
  log: Log
  now: () => number
  mailer: Mailer
  /** Who is written to where nobody has said: the tenant's people; of the platform, its operators. */
  addressesOf: (tenant: TenantId | null) => Promise<string[]>
}

const LOOK_EVERY_MS = 5_000
/** Of one tenant, in a day (UTC): nobody uses the platform to flood a mailbox. */
export const MOST_MAILS_A_DAY = 200

/** @param held aborts when this process leads no more */
export async function watchMail(context: MailContext, held: AbortSignal): Promise<void> {
  await repeat(
    LOOK_EVERY_MS,
    () => lookAtMail(context, held),
    held,
    (error) => context.log.warn('mail not looked at', { error }),
  )
}

/** Once: each owner whose mail is due. */
export async function lookAtMail(context: MailContext, held: AbortSignal): Promise<void> {
  const waiting = await loadWaitingMail(context.store)
  for (const mail of waiting) {
    if (held.aborted) return
    if (mailDueAt(mail.lines.values(), mail.standing) <= context.now()) await write(context, mail)
  }
}

async function write(context: MailContext, { owner, lines, standing }: WaitingMail): Promise<void> {
  const { store, log, now, mailer } = context
  const addressed = await addressees(context, owner)
  const all = [...lines.keys()]
  if (!addressed || addressed.to.length === 0) return settleMail(store, owner, all, standing)
  const { tenantId, name, to } = addressed
  const day = new Date(now()).toISOString().slice(0, 10)
  if (tenantId !== null && (await countedMails(store, tenantId, day)) >= MOST_MAILS_A_DAY) {
    log.warn('mail not written: the tenant has had the most of a day', { tenantId, owner })
    return settleMail(store, owner, all, standing)
  }
  try {
    const refused = await mailer.send({ to, ...mailOf(name, [...lines.values()]) })
    log.info('mail handed over', { owner, lines: lines.size, to: to.length, refused: refused.length })
    await settleMail(store, owner, all, afterMail(now()))
    if (tenantId !== null) await countMail(store, tenantId, day)
  } catch (error) {
    const after = afterFailure(lines, standing, now())
    log.warn('mail not handed over', { owner, reason: messageOf(error), givenUp: after.givenUp.length })
    await settleMail(store, owner, after.givenUp, after.standing)
  }
}

/** @returns null when the owner is no more */
async function addressees(
  { store, addressesOf }: MailContext,
  key: string,
): Promise<{ name: string; tenantId: TenantId | null; to: string[] } | null> {
  const found = await ownerOf(store, key)
  if (!found) return null
  // Operators are not written to about what is a tenant's: the platform's own list is for the platform alone.
  const above = ownersAbove(found.owner).filter(({ tenantId }) => tenantId === found.owner.tenantId)
  const settings = await Promise.all(above.map((owner) => loadAlertSettings(store, owner)))
  const { tenantId } = found.owner
  const named = recipientsFrom(settings)
  const to = named === null ? await addressesOf(tenantId) : await mayBeWrittenTo(store, tenantId, named)
  return { name: found.name, tenantId, to: [...new Set(to)] }
}

async function ownerOf(store: Store, key: string): Promise<{ owner: Owner; name: string } | null> {
  const [kind, id = ''] = key.split(':')
  if (kind === 'platform') return { owner: { appId: null, tenantId: null }, name: 'the platform' }
  if (!isId(id)) return null
  if (kind === 'tenant') return { owner: { appId: null, tenantId: id as TenantId }, name: id }
  const app = await loadApp(store, id as AppId)
  return app && { owner: { appId: app.id, tenantId: app.tenantId }, name: app.name }
}
