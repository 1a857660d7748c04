/** ◆ What a shell is told of the command table. */
import type { CommandSpec } from '../program.ts'

export type Word = {
  /** The command, and its aliases. */
  names: string[]
  summary: string
  options: { flags: string[]; summary: string }[]
  /** Its argument is an app's name. */
  takesApp: boolean
}

export function wordsOf(specs: CommandSpec[]): Word[] {
  return specs
    .filter(({ hidden }) => !hidden)
    .map(({ name, aliases = [], summary, args = '', ofApp, options = [], repeated = [] }) => ({
      names: [name, ...aliases],
      summary,
      takesApp: /^[<[]app[>\]]/.test(args),
      options: [
        ...(ofApp ? [appOption, remoteOption] : []),
        ...[...options, ...repeated].map(([flags, meaning]) => ({ flags: flagsOf(flags), summary: meaning })),
        { flags: ['--json'], summary: "print the API's answer as JSON" },
        { flags: ['--help'], summary: 'show help' },
      ],
    }))
}

const appOption = { flags: ['-a', '--app'], summary: 'the app' }
const remoteOption = { flags: ['-r', '--remote'], summary: 'the git remote' }

/** `-n, --num <count>` is `-n` and `--num`. */
const flagsOf = (flags: string): string[] => flags.split(/[ ,]+/).filter((part) => part.startsWith('-'))

/** In single quotes nothing is special to any of the shells; fish alone takes a backslash in them. */
export const quote = (text: string): string => `'${text.replaceAll('\\', '').replaceAll("'", '’')}'`
