/** When a mail is written: a burst becomes one mail, and nobody gets more than one every few minutes. */
import type { MailLine, MailStanding } from '#core/store/mails.ts'

/** After the first line others are waited for; between two mails there is at least that. */
export const GATHER_MS = 20_000
export const BETWEEN_MAILS_MS = 5 * 60_000
const FIRST_RETRY_MS = 30_000
const SLOWEST_RETRY_MS = 3600_000
/** What could not be handed over for so long is given up. */
const GIVE_UP_MS = 24 * 3600_000

/** @returns ms since 1970 */
export function mailDueAt(lines: Iterable<MailLine>, { lastAt, nextAt }: MailStanding): number {
  const first = Math.min(...[...lines].map(({ at }) => at))
  return Math.max(first + GATHER_MS, nextAt ?? 0, lastAt === null ? 0 : lastAt + BETWEEN_MAILS_MS)
}

export const afterMail = (now: number): MailStanding => ({ lastAt: now, failures: 0, nextAt: null })

/** @returns how it goes on, and the lines that are too old to be written any more, by their ids */
export function afterFailure(
  lines: ReadonlyMap<string, MailLine>,
  { lastAt, failures }: MailStanding,
  now: number,
): { standing: MailStanding; givenUp: string[] } {
  const wait = Math.min(FIRST_RETRY_MS * 2 ** Math.min(failures, 10), SLOWEST_RETRY_MS)
  const old = [...lines].filter(([, { at }]) => now - at > GIVE_UP_MS)
  return { standing: { lastAt, failures: failures + 1, nextAt: now + wait }, givenUp: old.map(([id]) => id) }
}
