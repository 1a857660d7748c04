/** The command table's rows on what runs once: one-off runs and jobs. */
import type { CommandSpec } from '../program.ts'

const runOptions: [string, string][] = [
  ['-t, --type <type>', 'the size of this process type (the usual size)'],
  ['--memory <size>', 'memory, like 256M or 1G'],
  ['-s, --size <size>', 'the same as --memory'],
  ['--cpu <cores>', 'cores, like 0.5'],
  ['--timeout <time>', 'end it after this, like 90s, 15m or 2h (1h)'],
]

const runVariables: [string, string][] = [['-e, --env <pair>', 'KEY=VALUE for this run alone; may be repeated']]

export const runCommands: CommandSpec[] = [
  {
    name: 'ps:stop',
    group: 'Running',
    aliases: ['stop'],
    args: '<run>',
    ofApp: true,
    summary: 'End a one-off run',
    examples: ['ps:stop run.12'],
    load: async () => (await import('../commands/run.ts')).stop,
  },
  {
    name: 'run',
    group: 'Running',
    args: '<command...>',
    ofApp: true,
    passThrough: true,
    summary: 'Run a command once, in a fresh sandbox with the app’s code and config, and be attached to it',
    options: [
      ...runOptions,
      ['--no-tty', 'pipes, even where this is a terminal'],
      ['-x, --exit-code', 'end with the exit code of the command, as is always done'],
    ],
    repeated: runVariables,
    examples: [
      'run bash',
      'run -a hello -e DEBUG=1 -- node scripts/migrate.js --dry',
      "run 'pg_dump $DATABASE_URL' > dump.sql",
      'run --memory 1G python import.py < rows.csv',
    ],
    load: async () => (await import('../commands/run.ts')).run,
  },
  {
    name: 'run:detached',
    group: 'Running',
    args: '<command...>',
    ofApp: true,
    passThrough: true,
    summary: 'Run a command once and return at once; its output goes to the log',
    options: runOptions,
    repeated: runVariables,
    examples: ['run:detached rake reindex', 'run:detached --timeout 6h -a hello -- node import.js'],
    load: async () => (await import('../commands/run.ts')).detached,
  },
  {
    name: 'runs',
    group: 'Running',
    aliases: ['run:list', 'ps:runs'],
    ofApp: true,
    summary: 'List what was run once, and how it ended',
    options: [
      ['-n, --num <n>', 'how many (50)'],
      ['--job <name>', 'only the runs of a job of berth cron'],
    ],
    examples: ['runs', 'runs --job cleanup -n 10'],
    load: async () => (await import('../commands/runs.ts')).list,
  },
  {
    name: 'cron',
    group: 'Running',
    aliases: ['cron:list'],
    ofApp: true,
    summary: 'List the jobs of app.json, their last and their next run',
    examples: ['cron', 'cron -a hello --json'],
    load: async () => (await import('../commands/cron.ts')).list,
  },
  {
    name: 'cron:run',
    group: 'Running',
    args: '<job>',
    ofApp: true,
    summary: 'Run a job now, besides its schedule',
    examples: ['cron:run cleanup'],
    load: async () => (await import('../commands/cron.ts')).run,
  },
  {
    name: 'cron:pause',
    group: 'Running',
    args: '<job>',
    ofApp: true,
    summary: 'Leave out the runs of a job until it is resumed',
    examples: ['cron:pause cleanup'],
    load: async () => (await import('../commands/cron.ts')).pause,
  },
  {
    name: 'cron:resume',
    group: 'Running',
    args: '<job>',
    ofApp: true,
    summary: 'Run a job by its schedule again',
    examples: ['cron:resume cleanup'],
    load: async () => (await import('../commands/cron.ts')).resume,
  },
]
