/** The command table's rows on running an app on the developer's own machine. */
import type { CommandSpec } from '../program.ts'

// Not --env-file: Node itself takes that, wherever it stands.
const envFile: [string, string] = ['-f, --file <name>', 'the file of variables (.env)']

export const localCommands: CommandSpec[] = [
  {
    name: 'local',
    group: 'On your machine',
    aliases: ['local:start'],
    summary: "Run the Procfile's processes on this machine, with the variables of .env; Ctrl-C ends all",
    options: [
      ['-p, --process-type <types>', 'only these, with commas between them'],
      ['--port <n>', 'the PORT of web; the others follow by hundreds (the first free one from 3000 on)'],
      envFile,
    ],
    examples: ['local', 'local -p web --port 8000', 'local start --file .env.staging'],
    load: async () => (await import('../commands/local.ts')).start,
  },
  {
    name: 'local:run',
    group: 'On your machine',
    args: '<command...>',
    passThrough: true,
    summary: 'Run a command on this machine with the variables of .env',
    options: [envFile],
    examples: ['local:run node scripts/seed.js', "local:run 'echo $DATABASE_URL'"],
    load: async () => (await import('../commands/local.ts')).run,
  },
  {
    name: 'local:pull',
    group: 'On your machine',
    ofApp: true,
    summary: "Write an app's config vars to .env, which git is told to leave out",
    options: [envFile, ['--overwrite', 'replace the file that is there']],
    examples: ['local:pull -a hello', 'local:pull -a hello-staging --file .env.staging', 'local:pull --overwrite'],
    uses: ['GET /apps/:app/config'],
    load: async () => (await import('../commands/local.ts')).pull,
  },
]
