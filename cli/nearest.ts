/** ◆ Which known name somebody meant who typed another. */

/** @returns at most three, all as near as the nearest; none that is more unlike than like what was typed */
export function nearest(typed: string, known: Iterable<string>): string[] {
  const most = Math.max(1, Math.floor(typed.length * 0.4))
  const all = [...new Set(known)].map((name) => ({ name, distance: distanceOf(typed, name, most) }))
  const least = Math.min(most, ...all.map(({ distance }) => distance))
  return all
    .filter(({ distance }) => distance === least)
    .map(({ name }) => name)
    .sort()
    .slice(0, 3)
}

/** ` Did you mean a or b?`, or nothing. */
export const didYouMean = (names: string[]): string =>
  names.length === 0 ? '' : ` Did you mean ${names.join(' or ')}?`

/**
 * Letters to insert, drop, change or swap with their neighbour (the "optimal string alignment" distance). A name that begins with
 * what was typed is one step away, however long it is.
 */
function distanceOf(typed: string, name: string, most: number): number {
  if (typed.length > 1 && name.startsWith(typed)) return 1
  if (Math.abs(typed.length - name.length) > most) return Infinity
  let before: number[] = []
  let above = Array.from({ length: name.length + 1 }, (_, column) => column)
  for (let row = 1; row <= typed.length; row += 1) {
    const here = [row]
    for (let column = 1; column <= name.length; column += 1) {
      const same = typed[row - 1] === name[column - 1]
      const swapped = typed[row - 1] === name[column - 2] && typed[row - 2] === name[column - 1]
      here[column] = Math.min(
        (above[column] ?? 0) + 1,
        (here[column - 1] ?? 0) + 1,
        (above[column - 1] ?? 0) + (same ? 0 : 1),
        swapped ? (before[column - 2] ?? 0) + 1 : Infinity,
      )
    }
    before = above
    above = here
  }
  return above[name.length] ?? 0
}
