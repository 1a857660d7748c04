/** Figures and times for people. */
const KIB = 1024
const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

export function bytes(value: number): string {
  const power = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log(value) / Math.log(KIB)))
  return `${figure(value / KIB ** power, power === 0 ? 0 : 1)} ${units[power]}`
}
export const mebibytes = (value: number): string => bytes(value * KIB * KIB)

/** Thousandths of a core. */
export const cores = (milli: number): string => `${figure(milli / 1000, milli < 10_000 ? 2 : 0)}`
export const vcpu = (milli: number): string => `${cores(milli)} CPU`

/** Made once: `toLocaleString` makes one at each call, which is what thousands of figures would spend most of their time on. */
const wholes = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const days = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })
const clocks = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium', hour12: false })

export const count = (value: number): string => wholes.format(Math.round(value))

export function rate(value: number): string {
  if (value === 0) return '0'
  if (value >= 10_000) return `${figure(value / 1000, 1)} k`
  return value < 10 ? figure(value, value < 1 ? 2 : 1) : count(value)
}

export function milliseconds(value: number | null): string {
  if (value === null) return '–'
  if (value > 0 && value < 1) return '<1 ms'
  return value < 1000 ? `${figure(value, value < 10 ? 1 : 0)} ms` : `${figure(value / 1000, 1)} s`
}

export const percent = (share: number): string => `${Math.round(share * 100)} %`

export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (seconds < 60) return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60 ? `${seconds % 60} s` : ''}`.trim()
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`
}

/** `12 s ago`, `3 min ago`, `yesterday`; days later, the day. */
export function ago(at: number, now: number): string {
  const seconds = Math.round((now - at) / 1000)
  if (seconds < 0) return `in ${span(-seconds)}`
  if (seconds < 5) return 'just now'
  return seconds < 30 * 86_400 ? `${span(seconds)} ago` : day(at)
}

function span(seconds: number): string {
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`
  return `${Math.floor(seconds / 86_400)} d`
}

export const day = (at: number): string => days.format(at)

export const clock = (at: number): string => clocks.format(at)

export const moment = (at: number): string => `${day(at)}, ${clock(at)}`

export const plural = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`

export const shortCommit = (commit: string): string => commit.slice(0, 8)

function figure(value: number, digits: number): string {
  const text = value.toFixed(value >= 100 ? 0 : digits)
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}
