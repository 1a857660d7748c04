/** A row of bars for a terminal: of many values each bar shows the highest of its part. */

const BARS = '▁▂▃▄▅▆▇█'

/**
 * @param values null: nothing is known there, and nothing is shown
 * @param width how many bars at most
 * @param top what the highest bar stands for; at least the highest value
 */
export function sparkline(values: readonly (number | null)[], width: number, top = 0): string {
  const parts = split(values, width)
  const highest = Math.max(top, ...parts.map((value) => value ?? 0))
  return parts
    .map((value) => {
      if (value === null) return ' '
      const step = highest === 0 ? 0 : Math.ceil((value / highest) * BARS.length) - 1
      return BARS[Math.max(0, step)] ?? ' '
    })
    .join('')
}

/** The highest of each part; null where nothing of it is known. */
function split(values: readonly (number | null)[], width: number): (number | null)[] {
  const count = Math.min(width, values.length)
  return Array.from({ length: count }, (_, part) => {
    const from = Math.floor((part * values.length) / count)
    const known = values.slice(from, Math.floor(((part + 1) * values.length) / count)).filter((value) => value !== null)
    return known.length === 0 ? null : Math.max(...known)
  })
}
