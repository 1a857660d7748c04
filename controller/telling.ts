/** What the leader does to tell people: alerts, webhooks, mail. Wired here. */
import { ratesOf } from '#core/domain/figures.ts'
import type { TenantId } from '#core/domain/ids.ts'
import type { Config } from '#core/runtime/config.ts'
import type { Store } from '#core/store/connection.ts'
import { createFiguresReader, LIVE_SECONDS } from '#core/store/figures.ts'
import { loadMembers, loadUsers } from '#core/store/users.ts'
import { watchAlerts, type AlertContext } from './alerts/loop.ts'
import { watchMail } from './alerts/mail.ts'
import { createMailer } from './alerts/mailer.ts'
import type { DeliverContext } from './webhooks/deliver.ts'
import { watchWebhooks } from './webhooks/loop.ts'

export type TellingContext = DeliverContext & Pick<AlertContext, 'wanted'> & { config: Pick<Config, 'mail'> }

export type Telling = {
  /** @param held aborts when this process leads no more */
  watch(held: AbortSignal): Promise<void>
  stop(): void
}

export function openTelling(context: TellingContext): Telling {
  const { config, store, log, now, outbound } = context
  const mailer = config.mail && createMailer(config.mail, outbound.ca)
  const addressesOf = (tenant: TenantId | null) => addressesOfPeople(store, tenant)
  const figures = createFiguresReader(store)
  const traffic = async () =>
    new Map([...(await figures.read(now()))].map(([app, counted]) => [app, ratesOf(counted, LIVE_SECONDS)]))
  return {
    async watch(held) {
      await Promise.all([
        watchAlerts({ ...context, traffic }, held),
        watchWebhooks({ ...context, mails: mailer !== null }, held),
        mailer && watchMail({ store, log, now, mailer, addressesOf }, held),
      ])
    },
    stop: () => mailer?.stop(),
  }
}

/** Whose tenant it is; with null, the operators. Viewers only look, so they are not woken. */
async function addressesOfPeople(store: Store, tenant: TenantId | null): Promise<string[]> {
  const people =
    tenant === null
      ? (await loadUsers(store)).filter(({ operator }) => operator)
      : (await loadMembers(store, tenant)).filter(({ role }) => role !== 'viewer').map(({ user }) => user)
  return people.map(({ email }) => email)
}
