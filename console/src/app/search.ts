/** Which of all that has a name is meant by a few letters. */
export type Target = { name: string; also?: string; what: string; href: string }

const SHOWN = 12

/** Beginnings come before what merely holds the text, and that before what has its letters in their order. */
export function rank<T extends Target>(targets: T[], text: string): T[] {
  const wanted = text.trim().toLowerCase()
  if (wanted === '') return targets.slice(0, SHOWN)
  return targets
    .map((target) => ({ target, score: Math.max(score(target.name, wanted), score(target.also ?? '', wanted) - 1) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score || a.target.name.length - b.target.name.length)
    .slice(0, SHOWN)
    .map(({ target }) => target)
}

function score(name: string, wanted: string): number {
  const lower = name.toLowerCase()
  if (lower === wanted) return 100
  if (lower.startsWith(wanted)) return 80
  if (lower.split(/[^a-z0-9]+/).some((word) => word.startsWith(wanted))) return 60
  if (lower.includes(wanted)) return 40
  return hasInOrder(lower, wanted) ? 10 : 0
}

function hasInOrder(name: string, wanted: string): boolean {
  let at = 0
  for (const letter of wanted) {
    at = name.indexOf(letter, at) + 1
    if (at === 0) return false
  }
  return true
}
