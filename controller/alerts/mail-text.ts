/** What mails say. Plain text on single lines: whatever a tenant named its apps, nothing of it can be taken for a header. */
import type { AlertNews } from '#core/domain/alert.ts'
import type { MailLine } from '#core/store/mails.ts'
import type { OutboxEntry } from '#core/store/outbox.ts'

const words: Record<AlertNews, string> = { began: 'began', worsened: 'became worse', ended: 'is over' }

/** @returns null for what is not told by mail */
export function mailLineOf(entry: OutboxEntry): MailLine | null {
  if (entry.kind === 'webhookDisabled') return { at: entry.at, text: oneLine(entry.text) }
  if (entry.kind !== 'alert') return null
  const { kind, text } = entry.alert
  return { at: entry.at, text: oneLine(`${kind} ${words[entry.news]}: ${text}`) }
}

/** Alerts that began, became worse and ended, in the order in which they did. */
export function mailOf(about: string, lines: readonly MailLine[]): { subject: string; text: string } {
  const sorted = [...lines].sort((a, b) => a.at - b.at)
  const shown = sorted.slice(0, MOST_LINES)
  const left = sorted.length - shown.length
  const subject = sorted.length === 1 ? `${about}: ${sorted[0]?.text ?? ''}` : `${about}: ${sorted.length} alerts`
  return {
    subject: oneLine(`[Berth] ${subject}`).slice(0, SUBJECT_LENGTH),
    text: [
      ...shown.map(({ at, text }) => `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC  ${text}`),
      ...(left > 0 ? [`… and ${left} more.`] : []),
      '',
      'What there is now: berth alerts. Less of this: berth alerts:set, berth alerts:mute.',
      '',
    ].join('\n'),
  }
}

const MOST_LINES = 50
const SUBJECT_LENGTH = 120

/** Control characters, and those that reorder what is shown, become blanks. */
export const oneLine = (text: string): string => text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]+/gu, ' ').trim()
