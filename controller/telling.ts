/** What the leader does to tell people: alerts, webhooks, mail. Wired here. */
import { readFile } from 'node:fs/promises'
import type { Config } from '#core/runtime/config.ts'
import { watchAlerts, type AlertContext } from './alerts/loop.ts'
import { watchMail, type MailContext } from './alerts/mail.ts'
import { createMailer } from './alerts/mailer.ts'
import type { DeliverContext } from './webhooks/deliver.ts'
import { watchWebhooks } from './webhooks/loop.ts'

export type TellingContext = DeliverContext &
  Pick<AlertContext, 'wanted'> & {
    config: Pick<Config, 'mail' | 'outbound'>
    /** Left out: error rates and slow answers are not known, so they are no alerts. */
    trafficOf?: AlertContext['trafficOf']
    /** Left out: only addresses that were set are written to. */
    addressesOf?: MailContext['addressesOf']
  }

export type Telling = {
  /** @param held aborts when this process leads no more */
  watch(held: AbortSignal): Promise<void>
  stop(): void
}

export async function openTelling(context: TellingContext): Promise<Telling> {
  const { config, store, log, now } = context
  const ca = await readFile(config.outbound.caBundle, 'utf8').catch(() => null)
  const mailer = config.mail && createMailer(config.mail, ca)
  const addressesOf = context.addressesOf ?? (() => Promise.resolve([]))
  const trafficOf = context.trafficOf ?? (() => null)
  return {
    async watch(held) {
      await Promise.all([
        watchAlerts({ ...context, trafficOf }, held),
        watchWebhooks({ ...context, mails: mailer !== null }, held),
        mailer && watchMail({ store, log, now, mailer, addressesOf }, held),
      ])
    },
    stop: () => mailer?.stop(),
  }
}
