/** How findings about a host are shown, by `berth doctor` and `berth hosts:doctor`. */
import type { Finding, Verdict } from '#core/contract/doctor.ts'
import type { Cell, Colour } from './text.ts'

const order: Verdict[] = ['problem', 'advice', 'ok']
const colours: Record<Verdict, Colour> = { problem: 'red', advice: 'yellow', ok: 'green' }

/** The worst first. */
export const byVerdict = (a: Pick<Finding, 'verdict'>, b: Pick<Finding, 'verdict'>): number =>
  order.indexOf(a.verdict) - order.indexOf(b.verdict)

export const verdictCell = ({ verdict }: Pick<Finding, 'verdict'>): Cell => ({
  text: verdict,
  colour: colours[verdict],
})

/** Why it matters, and what to do. */
export const wordsOf = ({ why, remedy }: { why?: string | null; remedy?: string | null }): string[] => [
  ...(why ? [`    ${why}`] : []),
  ...(remedy ? [`    > ${remedy}`] : []),
]
