/** Turns rows of the command table into commander's program: options that every command has, and help. */
import { Command } from 'commander'
import type { Context, Options, Run } from './context.ts'
import { commandsBelow } from './grammar.ts'

export type CommandSpec = {
  /** `topic:verb`, and its aliases. */
  name: string
  aliases?: string[]
  /** In commander's notation: `<must> [may] [many...]`. */
  args?: string
  summary: string
  group: string
  /** Adds `-a` and `-r`. */
  ofApp?: boolean
  options?: [flags: string, summary: string][]
  /** Options that may be given several times. */
  repeated?: [flags: string, summary: string][]
  /** What comes after the first argument is the command's own. */
  passThrough?: boolean
  examples: string[]
  hidden?: boolean
  /** The operations of the API that it calls, as `GET /apps/:app`; a test holds it true. */
  uses?: string[]
  /** Imported when it is called, so that a command pays for its own code only. */
  load: () => Promise<Run>
}

/** What scripts rely on. */
export const exitCodeTexts: [code: string, meaning: string][] = [
  ['0', 'done'],
  ['1', 'the platform refused or the deploy failed'],
  ['2', 'wrong usage'],
  ['3', 'not logged in'],
  ['4', 'no API there'],
]

const afterHelp = `
These are the topics; each may have more commands: berth help TOPIC. All of them: berth commands
A command is written with colons or with spaces: berth config:set KEY=VALUE, or berth config set KEY=VALUE

The app is chosen by -a, else by the git remote of -r, else by BERTH_APP, else by the git remote "berth", else by the only
git remote that leads to this Berth.

Settings: BERTH_API_URL and BERTH_TOKEN, else what \`berth login\` saved; BERTH_APP; NO_COLOR.
Exit codes (but for run and local:run, which have that of their command): ${exitCodeTexts.map((row) => row.join(' ')).join(', ')}.`

/**
 * A program that throws instead of ending the process; ending.ts turns what it throws into an exit code.
 * @param chosen what is built
 * @param specs the whole table
 */
export function buildProgram(chosen: CommandSpec[], specs: CommandSpec[], context: Context): Command {
  const program = new Command('berth')
    .description('Deploys and runs apps on Berth.')
    .usage('COMMAND [ARGUMENTS] [OPTIONS]')
    .helpOption('-h, --help', 'show help')
    .helpCommand(false)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.out.value(text.replace(/\n$/, '')),
      outputError: (text) => context.out.error(sentenceOf(text, chosen)),
    })
    .configureHelp({ subcommandTerm: (command) => `${command.name()} ${usageOf(command)}`.trim() })
    .addHelpText('after', afterHelp)
  for (const spec of chosen) addCommand(program, spec, specs, context)
  return program
}

/** Commander's `error: unknown option '--tial'\n(Did you mean --tail?)`, as this program says things. */
function sentenceOf(text: string, chosen: CommandSpec[]): string {
  const [, what = text, meant] = /^error: (.*?)\.?(?:\s+\((Did you mean .*)\))?\s*$/s.exec(text) ?? []
  const sentence = `${what.charAt(0).toUpperCase()}${what.slice(1)}.${meant === undefined ? '' : ` ${meant}`}`
  return `${sentence} See: berth help ${chosen.length === 1 ? (chosen[0]?.name ?? '') : ''}`.trimEnd()
}

/** The rows that help shows first: what is not below a topic that has a command of its name. */
export function isFront({ name, hidden }: CommandSpec, specs: CommandSpec[]): boolean {
  const [topic = ''] = name.split(':')
  return !hidden && (topic === name || !specs.some((spec) => spec.name === topic && !spec.hidden))
}

function addCommand(program: Command, spec: CommandSpec, specs: CommandSpec[], context: Context): void {
  const command = program
    .command(spec.args === undefined ? spec.name : `${spec.name} ${spec.args}`, { hidden: !isFront(spec, specs) })
    .summary(spec.summary)
    .description(`${spec.summary}.`)
    .helpGroup(`${spec.group}:`)
    .aliases(spec.aliases ?? [])
  if (spec.ofApp) command.option('-a, --app <name>', 'the app').option('-r, --remote <name>', 'the git remote')
  for (const [flags, summary] of spec.options ?? []) command.option(flags, summary)
  for (const [flags, summary] of spec.repeated ?? []) command.option(flags, summary, collect)
  if (spec.passThrough) command.passThroughOptions()
  if (!spec.hidden) command.option('--json', "print the API's answer as JSON")
  command.addHelpText('after', () => [...exampleLines(spec), ...topicLines(spec.name, specs)].join('\n'))
  command.action(async () => {
    const run = await spec.load()
    await run(context, command.args, command.opts<Options>())
  })
}

const exampleLines = ({ examples }: CommandSpec) => ['', 'Examples:', ...examples.map((line) => `  $ berth ${line}`)]

/** Lines that list commands: names with what they take, and their summaries. */
export function listLines(specs: CommandSpec[]): string[] {
  const terms = specs.map(({ name, args }) => (args === undefined ? name : `${name} ${args.replaceAll('...', '…')}`))
  const width = Math.max(0, ...terms.map((term) => term.length))
  return specs.map(({ summary }, index) => `  ${(terms[index] ?? '').padEnd(width)}  ${summary}`)
}

/** What `berth help TOPIC` adds to a command that is a topic too; empty for one that is none. */
export function topicLines(topic: string, specs: CommandSpec[]): string[] {
  const below = commandsBelow(topic, specs).filter(({ name }) => name !== topic)
  return below.length === 0 ? [] : ['', `Commands of ${topic}:`, ...listLines(below)]
}

const collect = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value]

const usageOf = (command: Command) =>
  command.registeredArguments
    .map((argument) => {
      const name = argument.name() + (argument.variadic ? '…' : '')
      return argument.required ? name : `[${name}]`
    })
    .join(' ')
