/** Turns the command table into commander's program: options that every command has, help, and the space form. */
import { Command } from 'commander'
import type { Context, Options, Run } from './context.ts'

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
  /** Imported when it is called, so that a command pays for its own code only. */
  load: () => Promise<Run>
}

const afterHelp = `
The app is chosen by -a, else by the git remote of -r, else by the remote "berth".
Commands can also be written with a space: berth config set KEY=VALUE

Settings: BERTH_API_URL and BERTH_TOKEN, else what \`berth login\` saved.
Exit codes (but for run, which has that of its command): 0 done, 1 the platform refused or the deploy failed, 2 wrong usage, 3 not logged in, 4 no API there.`

/** A program that throws instead of ending the process; main.ts turns what it throws into an exit code. */
export function buildProgram(specs: CommandSpec[], context: Context): Command {
  const program = new Command('berth')
    .description('Deploys and runs apps on Berth.')
    .usage('COMMAND [ARGUMENTS] [OPTIONS]')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: (text) => context.out.error(text.trimEnd()) })
    .configureHelp({ subcommandTerm: (command) => `${command.name()} ${usageOf(command)}`.trim() })
    .addHelpText('after', afterHelp)
  for (const spec of specs) addCommand(program, spec, context)
  return program
}

/** Joins `config set` to `config:set` where the table has such a command. */
export function joinTopic(argv: string[], specs: Pick<CommandSpec, 'name' | 'aliases'>[]): string[] {
  const [topic, verb, ...rest] = argv
  if (topic === undefined || verb === undefined) return argv
  if (topic === 'help') return [topic, ...joinTopic([verb, ...rest], specs)]
  const joined = `${topic}:${verb}`
  return specs.some(({ name, aliases = [] }) => name === joined || aliases.includes(joined)) ? [joined, ...rest] : argv
}

function addCommand(program: Command, spec: CommandSpec, context: Context): void {
  const command = program
    .command(spec.args === undefined ? spec.name : `${spec.name} ${spec.args}`, { hidden: spec.hidden === true })
    .summary(spec.summary)
    .description(`${spec.summary}.`)
    .helpGroup(`${spec.group}:`)
    .aliases(spec.aliases ?? [])
  if (spec.ofApp) command.option('-a, --app <name>', 'the app').option('-r, --remote <name>', 'the git remote')
  for (const [flags, summary] of spec.options ?? []) command.option(flags, summary)
  for (const [flags, summary] of spec.repeated ?? []) command.option(flags, summary, collect)
  if (spec.passThrough) command.passThroughOptions()
  if (!spec.hidden) command.option('--json', "print the API's answer as JSON")
  command.addHelpText('after', `\nExamples:\n${spec.examples.map((line) => `  $ berth ${line}`).join('\n')}`)
  command.action(async () => {
    const run = await spec.load()
    await run(context, command.args, command.opts<Options>())
  })
}

const collect = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value]

const usageOf = (command: Command) =>
  command.registeredArguments
    .map((argument) => {
      const name = argument.name() + (argument.variadic ? '…' : '')
      return argument.required ? name : `[${name}]`
    })
    .join(' ')
