/** docs/cli.md: the introduction, and a section for each command of the table. */
import { readFile } from 'node:fs/promises'
import { format, resolveConfig } from 'prettier'
import { exitCodeTexts, type CommandSpec } from '../../cli/program.ts'

const INTRO = new URL('cli-intro.md', import.meta.url)

/** @param file its path, whose formatting rules hold */
export async function cliReference(commands: CommandSpec[], file: string): Promise<string> {
  const intro = (await readFile(INTRO, 'utf8')).replace('EXIT_CODES', exitCodeTable())
  return format(`${intro}\n${reference(commands)}`, { ...(await resolveConfig(file)), filepath: file })
}

function reference(commands: CommandSpec[]): string {
  const shown = commands.filter(({ hidden }) => !hidden)
  const groups = [...new Set(shown.map(({ group }) => group))]
  return [
    '## Commands',
    ...groups.map((group) =>
      section(
        group,
        shown.filter((spec) => spec.group === group),
      ),
    ),
  ].join('\n\n')
}

const section = (group: string, specs: CommandSpec[]): string =>
  [`### ${group}`, ...[...specs].sort((a, b) => (a.name < b.name ? -1 : 1)).map(entry)].join('\n\n')

function entry(spec: CommandSpec): string {
  const { name, args, aliases = [], summary, ofApp, options = [], repeated = [], examples } = spec
  const usage = ['berth', name, args?.replaceAll('...', '…')].filter(Boolean).join(' ')
  const lines = [
    ...(ofApp && !options.some(([flags]) => flags.startsWith('-a,'))
      ? ['- `-a, --app <name>`, `-r, --remote <name>`: the app']
      : []),
    ...[...options, ...repeated].map(([flags, meaning]) => `- \`${flags}\`: ${escape(meaning)}`),
  ]
  return [
    `#### \`${usage}\``,
    `${escape(summary)}.${aliases.length === 0 ? '' : ` Also ${aliases.map((alias) => `\`${alias}\``).join(', ')}.`}`,
    ...(lines.length === 0 ? [] : [lines.join('\n')]),
    ['```', ...examples.map((example) => `berth ${example}`), '```'].join('\n'),
  ].join('\n\n')
}

const exitCodeTable = (): string =>
  ['| code | meaning |', '| --- | --- |', ...exitCodeTexts.map(([code, meaning]) => `| ${code} | ${meaning} |`)].join(
    '\n',
  )

/** What Markdown would take for its own. */
const escape = (text: string): string => text.replace(/[*_<>[\]|]/g, '\\$&')
