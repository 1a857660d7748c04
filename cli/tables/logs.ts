/** The command table's rows for logs. */
import type { CommandSpec } from '../program.ts'

const ofPlatform: [string, string] = ['--platform', 'of all apps (operators)']

export const logCommands: CommandSpec[] = [
  {
    name: 'logs',
    group: 'Running',
    ofApp: true,
    summary: "Show an app's log: what its processes print, its requests, its builds, and what the platform did",
    options: [
      ['-t, --tail', 'go on with lines as they come'],
      ['-n, --num <count>', 'how many past lines (100, at most 10000)'],
      ['-s, --source <source>', 'only from app, build, platform or router'],
      ['-p, --process-type <type>', 'only from web, or from web.1'],
      ['--ps <type>', 'the same as --process-type'],
      ['--since <time>', 'only what was printed since then: 10m, 2h, 1d, or 2026-01-31T09:30:00Z'],
      ['--until <time>', 'only what was printed before then'],
      ['--grep <text>', 'only lines with this text in them, as it stands'],
      ['--no-colour', 'without colours'],
      ['--no-color', 'the same'],
    ],
    examples: ['logs', 'logs --tail -p web', 'logs --since 2h --grep "payment failed"', 'logs -n 500 -s router --json'],
    uses: ['GET /apps/:app/logs'],
    load: async () => (await import('../commands/logs.ts')).logs,
  },
  {
    name: 'drains',
    group: 'Running',
    aliases: ['drains:list'],
    ofApp: true,
    summary: "Show where an app's log is sent on to, and how that goes",
    options: [ofPlatform],
    examples: ['drains', 'drains -a hello --json', 'drains --platform'],
    uses: ['GET /apps/:app/drains', 'GET /drains'],
    load: async () => (await import('../commands/drains.ts')).list,
  },
  {
    name: 'drains:add',
    group: 'Running',
    args: '<url>',
    ofApp: true,
    summary: "Send an app's log on: to syslog+tls://HOST:PORT, syslog://HOST:PORT or https://…",
    options: [['--token <token>', 'for https: sent as Authorization: Bearer'], ofPlatform],
    examples: ['drains:add syslog+tls://logs.example.com:6514', 'drains:add https://in.example.com/v1 --token s3cr3t'],
    uses: ['POST /apps/:app/drains', 'POST /drains'],
    load: async () => (await import('../commands/drains.ts')).add,
  },
  {
    name: 'drains:remove',
    group: 'Running',
    args: '<drain>',
    ofApp: true,
    summary: 'Stop sending a log on',
    options: [ofPlatform],
    examples: ['drains:remove syslog+tls://logs.example.com:6514', 'drains:remove n-abcdefghijklm'],
    uses: ['GET /apps/:app/drains', 'DELETE /apps/:app/drains/:drain', 'GET /drains', 'DELETE /drains/:drain'],
    load: async () => (await import('../commands/drains.ts')).remove,
  },
]
