/** What people read of an app's clock. */
import type { Missed } from '#core/domain/cron.ts'

const minute = (at: number): string => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`

/** For people: which ticks of a job were not run, and why. */
export function describeMissed(job: string, { why, detail, last, count }: Missed): string {
  const because = detail.replace(/[.\s]+$/, '')
  if (why === 'overlap') return `${job} was left out at ${minute(last)}: ${because}.`
  const what =
    count === 1 ? `The run of ${job} at ${minute(last)} was` : `${count} runs of ${job} up to ${minute(last)} were`
  return `${what} missed: ${because}.`
}
