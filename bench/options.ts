/** What follows a benchmark's name on the command line. */
import { parseArgs } from 'node:util'

export type Options = {
  /** Which rows or parts; empty: all. */
  only: string[]
  rounds: number
  /** Of each measurement. */
  seconds: number
  /** Of the benchmarks that run for a time. */
  minutes: number
}

/** @throws TypeError on an option that nobody knows */
export function readOptions(args: string[]): { names: string[]; options: Omit<Options, 'only'> } {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { rounds: { type: 'string' }, seconds: { type: 'string' }, minutes: { type: 'string' } },
  })
  const number = (name: keyof typeof values, usual: number): number => {
    const value = Number(values[name] ?? usual)
    if (!(value > 0)) throw new TypeError(`--${name} must be a number above 0, got ${JSON.stringify(values[name])}.`)
    return value
  }
  return {
    names: positionals,
    options: { rounds: number('rounds', 5), seconds: number('seconds', 5), minutes: number('minutes', 10) },
  }
}
