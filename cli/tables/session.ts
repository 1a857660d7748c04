/** The command table's rows on what the command line knows of itself and of its user. */
import type { CommandSpec } from '../program.ts'

export const sessionCommands: CommandSpec[] = [
  {
    name: 'commands',
    group: 'Session',
    summary: 'List all commands',
    examples: ['commands', 'commands --json'],
    load: async () => (await import('../commands/commands.ts')).list,
  },
  {
    name: 'completion',
    group: 'Session',
    args: '[shell]',
    summary: 'Print a script that completes commands, options and apps in bash, zsh or fish',
    examples: ['completion bash', 'completion zsh', 'completion fish'],
    load: async () => (await import('../commands/completion.ts')).script,
  },
  {
    name: 'completion:apps',
    group: 'Session',
    summary: 'Print the names of the apps, as completion needs them',
    examples: ['completion:apps'],
    hidden: true,
    uses: ['GET /apps'],
    load: async () => (await import('../commands/completion.ts')).apps,
  },
  {
    name: 'version',
    group: 'Session',
    summary: "Show this command's version, and the server's",
    options: [['--client', 'only of this command; asks nobody']],
    examples: ['version', 'version --client', 'version --json'],
    uses: ['GET /version'],
    load: async () => (await import('../commands/version.ts')).version,
  },
  {
    name: 'update',
    group: 'Session',
    summary: 'Say how to bring this command to the version of the server',
    examples: ['update', 'update --json'],
    uses: ['GET /version'],
    load: async () => (await import('../commands/version.ts')).update,
  },
]
