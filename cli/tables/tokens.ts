/** The command table's rows on API tokens. */
import type { CommandSpec } from '../program.ts'

export const tokenCommands: CommandSpec[] = [
  {
    name: 'tokens',
    group: 'Tokens',
    aliases: ['tokens:list'],
    summary: 'List the API tokens',
    examples: ['tokens'],
    uses: ['GET /tokens'],
    load: async () => (await import('../commands/tokens.ts')).list,
  },
  {
    name: 'tokens:create',
    group: 'Tokens',
    args: '<description>',
    summary: 'Create an API token, and show it this once',
    options: [
      ['--tenant <id>', 'for which tenant (operators)'],
      ['--operator', 'allow everything (operators)'],
    ],
    examples: ['tokens:create ci', 'tokens:create "acme, first token" --tenant acme'],
    uses: ['POST /tokens'],
    load: async () => (await import('../commands/tokens.ts')).create,
  },
  {
    name: 'tokens:revoke',
    group: 'Tokens',
    args: '<id>',
    summary: 'End the validity of an API token',
    examples: ['tokens:revoke t-abcdefghijklm'],
    uses: ['DELETE /tokens/:token'],
    load: async () => (await import('../commands/tokens.ts')).revoke,
  },
]
