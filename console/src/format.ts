/** Numbers and times as people read them. */

/** Binary units: `96.4 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${value.toFixed(unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2)} ${units[unit]}`
}

export const formatMegabytes = (megabytes: number): string => formatBytes(megabytes * 1024 * 1024)
/** Thousandths of a core as cores: `0.25`. */
export const formatCores = (milli: number): string =>
  (milli / 1000).toFixed(milli < 10_000 ? 2 : 1).replace(/\.?0+$/, '')

/** In the largest whole unit: `5 s`, `3 min`, `2 h`, `4 d`. */
export function formatAge(at: string, now: number): string {
  const seconds = Math.max(0, Math.floor((now - Date.parse(at)) / 1000))
  if (Number.isNaN(seconds)) return at
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`
}
