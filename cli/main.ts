/** The berth command line: the table of commands, and how what they throw becomes an exit code. */
import { join } from 'node:path'
import { CommanderError } from 'commander'
import { messageOf } from '#core/domain/errors.ts'
import { createContext } from './context.ts'
import { CliError, exitCodes } from './failures.ts'
import { createOutput, type Output } from './output.ts'
import { buildProgram, joinTopic, type CommandSpec } from './program.ts'

const noWait: [string, string] = ['--no-wait', 'return at once']

const commands: CommandSpec[] = [
  {
    name: 'login',
    group: 'Session',
    summary: 'Save an API token, after checking it',
    options: [
      ['--api-url <url>', 'where the API is'],
      ['--token <token>', 'the token; others on this machine can see it here, so better pipe it in or type it'],
    ],
    examples: ['login', 'login --api-url https://berth.example.com', 'login < /var/lib/berth/operator-token'],
    load: async () => (await import('./commands/session.ts')).login,
  },
  {
    name: 'logout',
    group: 'Session',
    summary: 'Forget the saved token',
    examples: ['logout'],
    load: async () => (await import('./commands/session.ts')).logout,
  },
  {
    name: 'whoami',
    group: 'Session',
    summary: 'Show who you are to the API',
    examples: ['whoami', 'whoami --json'],
    load: async () => (await import('./commands/session.ts')).whoami,
  },
  {
    name: 'version',
    group: 'Session',
    summary: "Show this command's version",
    examples: ['version'],
    load: async () => (await import('./commands/session.ts')).version,
  },
  {
    name: 'apps',
    group: 'Apps',
    aliases: ['apps:list'],
    summary: 'List your apps',
    examples: ['apps', 'apps --json'],
    load: async () => (await import('./commands/apps.ts')).list,
  },
  {
    name: 'create',
    group: 'Apps',
    aliases: ['apps:create'],
    args: '[name]',
    summary: 'Create an app, and the git remote "berth" if you are in a repository',
    options: [['--tenant <id>', 'whose app it is (operators)']],
    examples: ['create hello', 'create', 'create hello --tenant acme'],
    load: async () => (await import('./commands/apps.ts')).create,
  },
  {
    name: 'info',
    group: 'Apps',
    aliases: ['apps:info'],
    ofApp: true,
    summary: 'Show an app',
    examples: ['info', 'info -a hello --json'],
    load: async () => (await import('./commands/apps.ts')).info,
  },
  {
    name: 'open',
    group: 'Apps',
    aliases: ['apps:open'],
    ofApp: true,
    summary: "Print an app's address, and open it in a browser if there is a display",
    examples: ['open', 'open -a hello'],
    load: async () => (await import('./commands/apps.ts')).open,
  },
  {
    name: 'destroy',
    group: 'Apps',
    aliases: ['apps:destroy'],
    args: '[app]',
    ofApp: true,
    summary: 'Destroy an app and all that belongs to it',
    options: [['--confirm <app>', "the app's name once more"]],
    examples: ['apps:destroy hello --confirm hello', 'destroy -a hello --confirm hello'],
    load: async () => (await import('./commands/apps.ts')).destroy,
  },
  {
    name: 'usage',
    group: 'Apps',
    ofApp: true,
    summary: 'Show what an app has used',
    examples: ['usage -a hello', 'usage --json'],
    load: async () => (await import('./commands/apps.ts')).usage,
  },
  {
    name: 'logs',
    group: 'Running',
    ofApp: true,
    summary: "Show an app's log",
    options: [
      ['-t, --tail', 'go on with lines as they come'],
      ['-n, --num <count>', 'how many past lines (100)'],
      ['-s, --source <source>', 'only from app, build, platform or router'],
      ['-p, --process-type <type>', 'only from web, or from web.1'],
    ],
    examples: ['logs', 'logs --tail -p web', 'logs -n 500 -s router --json'],
    load: async () => (await import('./commands/logs.ts')).logs,
  },
  {
    name: 'ps',
    group: 'Running',
    aliases: ['ps:list'],
    ofApp: true,
    summary: "Show an app's instances",
    examples: ['ps', 'ps -a hello'],
    load: async () => (await import('./commands/ps.ts')).list,
  },
  {
    name: 'events',
    group: 'Running',
    ofApp: true,
    summary: 'Show what happened to an app: starts, ends and why, releases, changes',
    options: [
      ['-n, --num <count>', 'how many, the newest (50, at most 500)'],
      ['--kind <kind>', 'only of one kind, like outOfMemory or releaseFailed'],
    ],
    examples: ['events', 'events -n 200 --kind outOfMemory -a hello', 'events --json'],
    load: async () => (await import('./commands/events.ts')).list,
  },
  {
    name: 'restart',
    group: 'Running',
    aliases: ['ps:restart'],
    ofApp: true,
    summary: 'Replace the instances with new ones, without an outage',
    examples: ['restart -a hello'],
    load: async () => (await import('./commands/ps.ts')).restart,
  },
  {
    name: 'scale',
    group: 'Running',
    aliases: ['ps:scale'],
    args: '[types...]',
    ofApp: true,
    summary: 'Show or change how many instances there are, and how large they are',
    options: [
      ['--memory <size>', 'memory of each instance of the type, like 256M or 1G'],
      ['--cpu <cores>', 'cores of each instance of the type, like 0.5'],
      noWait,
    ],
    examples: ['scale', 'scale web=2 worker+1', 'scale web --memory 256M --cpu 0.5'],
    load: async () => (await import('./commands/scale.ts')).scale,
  },
  {
    name: 'config',
    group: 'Config',
    aliases: ['config:list'],
    ofApp: true,
    summary: 'Show the config vars',
    examples: ['config', 'config --json -a hello'],
    load: async () => (await import('./commands/config.ts')).list,
  },
  {
    name: 'config:get',
    group: 'Config',
    args: '<key>',
    ofApp: true,
    summary: 'Print the value of a config var',
    examples: ['config:get DATABASE_URL'],
    load: async () => (await import('./commands/config.ts')).get,
  },
  {
    name: 'config:set',
    group: 'Config',
    args: '<pairs...>',
    ofApp: true,
    summary: 'Set config vars, which makes a release; KEY=- reads the value from standard input',
    options: [noWait],
    examples: ['config:set GREETING=hello LOG_LEVEL=debug', 'config:set TLS_KEY=- < key.pem'],
    load: async () => (await import('./commands/config.ts')).set,
  },
  {
    name: 'config:unset',
    group: 'Config',
    args: '<keys...>',
    ofApp: true,
    summary: 'Remove config vars, which makes a release',
    options: [noWait],
    examples: ['config:unset GREETING'],
    load: async () => (await import('./commands/config.ts')).unset,
  },
  {
    name: 'releases',
    group: 'Releases',
    aliases: ['releases:list'],
    ofApp: true,
    summary: 'List the releases, newest first; the current one has a star',
    examples: ['releases', 'releases --json'],
    load: async () => (await import('./commands/releases.ts')).list,
  },
  {
    name: 'releases:info',
    group: 'Releases',
    args: '[release]',
    ofApp: true,
    summary: 'Show a release: the current one, or vN',
    examples: ['releases:info', 'releases:info v12'],
    load: async () => (await import('./commands/releases.ts')).info,
  },
  {
    name: 'rollback',
    group: 'Releases',
    aliases: ['releases:rollback'],
    args: '[release]',
    ofApp: true,
    summary: 'Go back to the code and config of an earlier release, as a new release',
    options: [noWait],
    examples: ['rollback', 'rollback v12'],
    load: async () => (await import('./commands/releases.ts')).rollback,
  },
  {
    name: 'deploys',
    group: 'Releases',
    aliases: ['deploys:list'],
    ofApp: true,
    summary: 'List the deploys, newest first',
    examples: ['deploys'],
    load: async () => (await import('./commands/deploys.ts')).list,
  },
  {
    name: 'deploys:log',
    group: 'Releases',
    args: '[id]',
    ofApp: true,
    summary: 'Follow the log of a deploy: the newest, or the one named',
    examples: ['deploys:log', 'deploys:log d-abcdefghijklm'],
    load: async () => (await import('./commands/deploys.ts')).log,
  },
  {
    name: 'git:remote',
    group: 'Git',
    summary: 'Add or update a git remote for an app, with its password taken care of',
    options: [
      ['-a, --app <name>', 'the app'],
      ['-r, --remote <name>', 'the remote to write (berth)'],
    ],
    examples: ['git:remote -a hello', 'git:remote -a hello-staging -r staging'],
    load: async () => (await import('./commands/git.ts')).remote,
  },
  {
    name: 'git:credentials',
    group: 'Git',
    args: '<operation>',
    summary: "Answer git's question for a password (see gitcredentials(7))",
    examples: ['git:credentials get'],
    hidden: true,
    load: async () => (await import('./commands/git.ts')).credentials,
  },
  {
    name: 'tokens',
    group: 'Tokens',
    aliases: ['tokens:list'],
    summary: 'List the API tokens',
    examples: ['tokens'],
    load: async () => (await import('./commands/tokens.ts')).list,
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
    load: async () => (await import('./commands/tokens.ts')).create,
  },
  {
    name: 'tokens:revoke',
    group: 'Tokens',
    args: '<id>',
    summary: 'End the validity of an API token',
    examples: ['tokens:revoke t-abcdefghijklm'],
    load: async () => (await import('./commands/tokens.ts')).revoke,
  },
  {
    name: 'hosts',
    group: 'Operators',
    aliases: ['hosts:list'],
    summary: 'List the hosts, what they offer, and what is reserved and used',
    examples: ['hosts', 'hosts --json'],
    load: async () => (await import('./commands/hosts.ts')).list,
  },
  {
    name: 'hosts:cordon',
    group: 'Operators',
    args: '<host>',
    summary: 'Place no new instances on a host, and move off those that are there',
    examples: ['hosts:cordon host-2'],
    load: async () => (await import('./commands/hosts.ts')).cordon,
  },
  {
    name: 'hosts:uncordon',
    group: 'Operators',
    args: '<host>',
    summary: 'Place new instances on a host again',
    examples: ['hosts:uncordon host-2'],
    load: async () => (await import('./commands/hosts.ts')).uncordon,
  },
  {
    name: 'doctor',
    group: 'Operators',
    summary: 'Look whether this machine is fit to be a host, and say what to do; as root, on the host',
    options: [['--all', 'show what is fine, too']],
    examples: ['doctor', 'doctor --all', 'doctor --json'],
    load: async () => (await import('./commands/doctor.ts')).doctor,
  },
  {
    name: 'stacks',
    group: 'Operators',
    aliases: ['stacks:list'],
    summary: 'List the stack images that apps run on; the one in use has a star',
    examples: ['stacks', 'stacks --json'],
    load: async () => (await import('./commands/stacks.ts')).list,
  },
  {
    name: 'stacks:build',
    group: 'Operators',
    summary: "Make a stack image with today's packages: the one in use, brought up to date",
    options: [['--host <host>', 'which host makes it (any)'], ['--fresh', 'make it from nothing'], noWait],
    examples: ['stacks:build', 'stacks:build --fresh --host host-2'],
    load: async () => (await import('./commands/stacks.ts')).build,
  },
  {
    name: 'stacks:use',
    group: 'Operators',
    args: '[stack]',
    summary: 'Move all apps to a stack, without building them again and without an outage',
    options: [
      ['--rollback', 'go back to the stack before'],
      ['--force', 'even to another Debian release than apps were built on'],
    ],
    examples: ['stacks:use debian-13-20261121-1', 'stacks:use --rollback'],
    load: async () => (await import('./commands/stacks.ts')).use,
  },
  {
    name: 'stacks:destroy',
    group: 'Operators',
    args: '<stack>',
    summary: 'Destroy a stack image that nothing runs on',
    examples: ['stacks:destroy debian-13-20261103-1'],
    load: async () => (await import('./commands/stacks.ts')).destroy,
  },
  {
    name: 'tenants',
    group: 'Operators',
    aliases: ['tenants:list'],
    summary: 'List the tenants and their request rates',
    examples: ['tenants'],
    load: async () => (await import('./commands/tenants.ts')).list,
  },
  {
    name: 'tenants:create',
    group: 'Operators',
    args: '<id>',
    summary: 'Create a tenant',
    examples: ['tenants:create acme'],
    load: async () => (await import('./commands/tenants.ts')).create,
  },
  {
    name: 'tenants:rate',
    group: 'Operators',
    args: '<id>',
    summary: 'Limit the requests that all apps of a tenant may take together',
    options: [
      ['--per-second <n>', 'requests per second in the long run'],
      ['--burst <n>', 'requests at once'],
    ],
    examples: ['tenants:rate acme --per-second 50 --burst 100'],
    load: async () => (await import('./commands/tenants.ts')).rate,
  },
]

async function main(argv: string[]): Promise<number> {
  // Whoever reads the output may stop early, as `head` does; that is not an error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  const out = createOutput(process.stdout, process.stderr, process.env)
  const context = createContext({
    env: process.env,
    cwd: process.cwd(),
    stdin: process.stdin,
    out,
    now: Date.now,
    launcher: join(import.meta.dirname, '..', 'bin', 'berth'),
  })
  const program = buildProgram(commands, context)
  if (argv.length === 0) {
    program.outputHelp()
    return exitCodes.ok
  }
  if (argv.length === 1 && argv[0] === '--version') return main(['version'])
  try {
    await program.parseAsync(joinTopic(argv, commands), { from: 'user' })
    return exitCodes.ok
  } catch (error) {
    return report(error, out)
  }
}

function report(error: unknown, out: Output): number {
  // Commander has printed its own sentence; help that was asked for is not an error.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
  out.error(messageOf(error))
  return error instanceof CliError ? error.exitCode : exitCodes.failed
}

process.exitCode = await main(process.argv.slice(2))
