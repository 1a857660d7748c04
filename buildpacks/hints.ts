/**
 * What the last output of a step that failed says about the cause, for people: the sentence that follows the failure. Each
 * language has a table of its own in hints/; the first row whose pattern is found speaks.
 */
import { general } from './hints/general.ts'
import { goHints } from './hints/go.ts'
import type { Hint } from './hints/hint.ts'
import { javaHints } from './hints/java.ts'
import { networkFailures } from './hints/network.ts'
import { node } from './hints/node.ts'
import { phpHints } from './hints/php.ts'
import { pythonHints } from './hints/python.ts'
import { rubyHints } from './hints/ruby.ts'

/** The more specific tables come first. */
const tables: readonly Hint[][] = [node, pythonHints, rubyHints, phpHints, javaHints, goHints, general]

/** How much of a step's output is looked at: causes stand near its end, and what a program says can be endless. */
export const LOOKED_AT_LINES = 60

/**
 * @param lines the step's last output, oldest first
 * @returns null when nothing known is found
 */
export function hintFor(lines: readonly string[], hints: readonly Hint[] = tables.flat()): string | null {
  const text = lines.slice(-LOOKED_AT_LINES).map(plain).join('\n')
  for (const { when, say } of hints) {
    const found = when.exec(text)
    if (found) return typeof say === 'string' ? say : say(found)
  }
  return null
}

/**
 * Whether a step that fetches from a registry failed because of the network or the registry, so that another try may help.
 * @returns what was found, e.g. `ECONNRESET`; null when it is the app's own fault, or not known
 */
export function networkFailureIn(lines: readonly string[]): string | null {
  const text = lines.slice(-LOOKED_AT_LINES).map(plain).join('\n')
  for (const { when, what } of networkFailures) {
    const found = when.exec(text)
    if (found) return what(found)
  }
  return null
}

/** Programs colour what they print, and the colours stand in the middle of what is looked for. */
// eslint-disable-next-line no-control-regex
const plain = (line: string): string => line.replace(/\u001b\[[0-9;]*m/g, '')
