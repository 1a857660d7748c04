/** Is `version` the wanted one or a later one? Dotted numbers; what follows them (`-rc.1`, `+ds1`) does not count. */
export function atLeast(version: string, wanted: string): boolean {
  const [a, b] = [numbersOf(version), numbersOf(wanted)]
  for (let n = 0; n < Math.max(a.length, b.length); n++) {
    const difference = (a[n] ?? 0) - (b[n] ?? 0)
    if (difference !== 0) return difference > 0
  }
  return true
}

const numbersOf = (version: string): number[] => (/^\d+(\.\d+)*/.exec(version)?.[0] ?? '').split('.').map(Number)
