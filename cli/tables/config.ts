/** The command table's rows on config vars. */
import type { CommandSpec } from '../program.ts'
import { noWait } from './options.ts'

export const configCommands: CommandSpec[] = [
  {
    name: 'config',
    group: 'Config',
    aliases: ['config:list'],
    ofApp: true,
    summary: 'Show the config vars',
    examples: ['config', 'config --json -a hello'],
    uses: ['GET /apps/:app/config'],
    load: async () => (await import('../commands/config.ts')).list,
  },
  {
    name: 'config:get',
    group: 'Config',
    args: '<key>',
    ofApp: true,
    summary: 'Print the value of a config var',
    examples: ['config:get DATABASE_URL'],
    uses: ['GET /apps/:app/config'],
    load: async () => (await import('../commands/config.ts')).get,
  },
  {
    name: 'config:set',
    group: 'Config',
    args: '<pairs...>',
    ofApp: true,
    summary: 'Set config vars, which makes a release; KEY=- reads the value from standard input',
    options: [noWait],
    examples: ['config:set GREETING=hello LOG_LEVEL=debug', 'config:set TLS_KEY=- < key.pem'],
    uses: ['GET /apps/:app/deploys/:deploy/log', 'PATCH /apps/:app/config'],
    load: async () => (await import('../commands/config.ts')).set,
  },
  {
    name: 'config:unset',
    group: 'Config',
    args: '<keys...>',
    ofApp: true,
    summary: 'Remove config vars, which makes a release',
    options: [noWait],
    examples: ['config:unset GREETING'],
    uses: ['GET /apps/:app/deploys/:deploy/log', 'PATCH /apps/:app/config'],
    load: async () => (await import('../commands/config.ts')).unset,
  },
]
