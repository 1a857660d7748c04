/** The command table's rows on git and the keys that open it. */
import type { CommandSpec } from '../program.ts'

export const gitCommands: CommandSpec[] = [
  {
    name: 'keys',
    group: 'Git',
    aliases: ['keys:list'],
    summary: 'List the SSH keys that open git over SSH',
    options: [['--host', "show the server's own key instead, to compare with what ssh asks"]],
    examples: ['keys', 'keys --host'],
    uses: ['GET /keys', 'GET /ssh'],
    load: async () => (await import('../commands/keys.ts')).list,
  },
  {
    name: 'keys:add',
    group: 'Git',
    args: '[file]',
    summary: 'Add an SSH key: a .pub file, - for standard input, or the usual one of ~/.ssh',
    options: [
      ['--name <name>', "what releases say who deployed (the key's comment)"],
      ['--tenant <id>', 'whose apps it opens (operators)'],
    ],
    examples: ['keys:add', 'keys:add ~/.ssh/deploy.pub --name ci'],
    uses: ['POST /keys'],
    load: async () => (await import('../commands/keys.ts')).add,
  },
  {
    name: 'keys:remove',
    group: 'Git',
    args: '<key>',
    summary: 'Remove an SSH key, by its id, name or fingerprint',
    examples: ['keys:remove k-abcdefghijklm', 'keys:remove ci'],
    uses: ['DELETE /keys/:key', 'GET /keys'],
    load: async () => (await import('../commands/keys.ts')).remove,
  },
  {
    name: 'git:remote',
    group: 'Git',
    summary: 'Add or update a git remote for an app, with its password taken care of',
    options: [
      ['-a, --app <name>', 'the app'],
      ['-r, --remote <name>', 'the remote to write (berth)'],
      ['--ssh', 'by SSH, with a key of berth keys:add'],
    ],
    examples: ['git:remote -a hello', 'git:remote -a hello-staging -r staging', 'git:remote --ssh -a hello'],
    uses: ['GET /apps/:app', 'GET /ssh'],
    load: async () => (await import('../commands/git.ts')).remote,
  },
  {
    name: 'git:credentials',
    group: 'Git',
    args: '<operation>',
    summary: "Answer git's question for a password (see gitcredentials(7))",
    examples: ['git:credentials get'],
    hidden: true,
    load: async () => (await import('../commands/git.ts')).credentials,
  },
]
