/** From the words that were typed to the command that they name, or to help. */
import type { Command } from 'commander'
import type { Context } from './context.ts'
import { usage, type CliError } from './failures.ts'
import { commandsBelow, read } from './grammar.ts'
import { didYouMean } from './nearest.ts'
import { buildProgram, listLines, type CommandSpec } from './program.ts'

/** @throws what the command throws, and a usage error for words that name none */
export async function dispatch(argv: string[], specs: CommandSpec[], context: Context): Promise<void> {
  const [first = '--help', ...rest] = argv
  if (['-h', '--help'].includes(first)) return buildProgram(specs, specs, context).outputHelp()
  if (first === '--version') return dispatch(['version', '--client', ...rest], specs, context)
  if (first === 'help') return help(rest, specs, context)
  if (first.startsWith('-'))
    throw usage(`A command comes first, and then ${first}, as in: berth info ${argv.join(' ')}`)
  const reading = read(argv, specs)
  if (reading.kind === 'unknown') throw unknownCommand(reading)
  if (reading.kind === 'topic') return showTopic(reading.topic, reading.args, specs, context)
  await programOf(reading.spec, specs, context).parseAsync([reading.spec.name, ...reading.args], { from: 'user' })
}

async function help(words: string[], specs: CommandSpec[], context: Context): Promise<void> {
  const named = words.filter((word) => !word.startsWith('-'))
  if (named.length === 0) return dispatch(['--help'], specs, context)
  const reading = read(named, specs)
  if (reading.kind === 'unknown') throw unknownCommand(reading)
  if (reading.kind === 'topic')
    return showTopic(
      reading.topic,
      words.filter((word) => word === '--json'),
      specs,
      context,
    )
  await programOf(reading.spec, specs, context).parseAsync([reading.spec.name, '--help'], { from: 'user' })
}

/** Only what is called is built: the rest of the table would cost more time than the call. */
const programOf = (spec: CommandSpec, specs: CommandSpec[], context: Context): Command =>
  buildProgram([spec], specs, context)

function showTopic(topic: string, args: string[], specs: CommandSpec[], { out }: Context): void {
  const below = commandsBelow(topic, specs)
  const other = args.find((arg) => !['--json', '-h', '--help'].includes(arg))
  if (other !== undefined)
    throw usage(`${topic} is a topic: name one of its commands before ${other}. See: berth help ${topic}`)
  if (args.includes('--json')) return out.json({ commands: below.map(describe) })
  out.line(`Commands of ${topic}:`)
  for (const line of listLines(below)) out.line(line)
  out.line()
  out.line(`More on one: berth help ${below[0]?.name ?? topic}`)
}

/** A row of the table as `berth commands --json` shows it. */
export const describe = ({
  name,
  aliases = [],
  args = '',
  summary,
  group,
  ofApp = false,
  options = [],
  repeated = [],
  examples,
}: CommandSpec) => ({
  name,
  aliases,
  arguments: args,
  summary,
  group,
  ofApp,
  options: [...options, ...repeated].map(([flags, meaning]) => ({ flags, summary: meaning })),
  examples: examples.map((line) => `berth ${line}`),
})

function unknownCommand({ typed, topic, near }: { typed: string; topic: string | null; near: string[] }): CliError {
  const where = topic === null ? 'berth help' : `berth help ${topic}`
  return usage(`There is no command ${typed}.${didYouMean(near)} See: ${where}`)
}
