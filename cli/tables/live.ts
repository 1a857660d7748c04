/** The command table's rows for what changes and what was measured. */
import type { CommandSpec } from '../program.ts'

export const liveCommands: CommandSpec[] = [
  {
    name: 'top',
    group: 'Running',
    aliases: ['ps:top'],
    ofApp: true,
    summary: 'Show live what runs, its CPU, memory and requests, and how they go; of all apps, if none is named',
    options: [['-n, --num <count>', 'print so many times and end; else, on a terminal, go on until q is typed']],
    examples: ['top', 'top -a hello', 'top -n 1 --json'],
    uses: ['GET /live'],
    load: async () => (await import('../commands/top.ts')).top,
  },
  {
    name: 'metrics',
    group: 'Running',
    ofApp: true,
    summary: 'Show how an app did: CPU, memory, instances, requests, errors, times, bytes and restarts',
    options: [
      ['--range <range>', '1h in steps of 10 s, 24h of a minute, or 30d of an hour (1h)'],
      ['--from <time>', 'from when, like 6h, 7d or 2026-11-01T08:00Z, in the finest steps that are kept'],
      ['--to <time>', 'until when (now)'],
      ['--tenant <id>', 'of all apps of a tenant'],
      ['--host <id>', 'of a host (operators)'],
      ['--platform', 'of all hosts and apps together (operators)'],
      ['--csv', 'print comma-separated values'],
    ],
    examples: [
      'metrics',
      'metrics -a hello --range 24h',
      'metrics --tenant acme --from 7d --csv',
      'metrics --host host-1',
    ],
    uses: ['GET /apps/:app/metrics', 'GET /tenants/:tenant/metrics', 'GET /hosts/:host/metrics', 'GET /metrics'],
    load: async () => (await import('../commands/metrics.ts')).metrics,
  },
  {
    name: 'deploys:watch',
    group: 'Releases',
    ofApp: true,
    summary: 'Follow deploys as they begin, go on and end; of all apps, if none is named',
    examples: ['deploys:watch', 'deploys:watch -a hello', 'deploys:watch --json'],
    uses: ['GET /live'],
    load: async () => (await import('../commands/deploys-watch.ts')).watch,
  },
]
