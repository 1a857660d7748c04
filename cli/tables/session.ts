/** The command table's rows on what the command line knows of itself and of its user. */
import type { CommandSpec } from '../program.ts'

export const sessionCommands: CommandSpec[] = [
  {
    name: 'login',
    group: 'Session',
    summary: 'Save an API token, after checking it',
    options: [
      ['--api-url <url>', 'where the API is'],
      ['--token <token>', 'the token; others on this machine can see it here, so better pipe it in or type it'],
    ],
    examples: ['login', 'login --api-url https://berth.example.com', 'login < /var/lib/berth/operator-token'],
    uses: ['GET /whoami'],
    load: async () => (await import('../commands/session.ts')).login,
  },
  {
    name: 'logout',
    group: 'Session',
    summary: 'Forget the saved token',
    examples: ['logout'],
    load: async () => (await import('../commands/session.ts')).logout,
  },
  {
    name: 'whoami',
    group: 'Session',
    summary: 'Show who you are to the API',
    examples: ['whoami', 'whoami --json'],
    uses: ['GET /whoami'],
    load: async () => (await import('../commands/session.ts')).whoami,
  },
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
