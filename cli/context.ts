/** What every command is given: where it runs, whom it speaks to, and how it was asked. Made once, in main.ts. */
import type { Client } from './client.ts'
import type { Output } from './output.ts'
import type { CommandSpec } from './program.ts'

export type World = {
  env: NodeJS.ProcessEnv
  cwd: string
  stdin: NodeJS.ReadStream
  out: Output
  /** Milliseconds since 1970. */
  now: () => number
  /** Absolute path of bin/berth, for git to call. */
  launcher: string
  /** The whole table. */
  commands: CommandSpec[]
}

export type Context = World & {
  /** @throws exit code 3 when nobody is logged in */
  client: () => Promise<Client>
  /** The app that `-a`, `-r`, BERTH_APP or the git remotes name. */
  app: (options: Options) => Promise<string>
}

/** All options of all commands, as they were typed. */
export type Options = {
  json?: boolean
  app?: string
  remote?: string
  client?: boolean
  template?: string
  git?: boolean
  create?: boolean
  yes?: boolean
  port?: string
  file?: string
  overwrite?: boolean
  wait?: boolean
  confirm?: string
  apiUrl?: string
  token?: string
  detach?: boolean
  message?: string
  name?: string
  ssh?: boolean
  tenant?: string
  operator?: boolean
  tail?: boolean
  num?: string
  source?: string
  kind?: string
  host?: string
  fresh?: boolean
  rollback?: boolean
  force?: boolean
  all?: boolean
  processType?: string
  ps?: string
  since?: string
  until?: string
  grep?: string
  colour?: boolean
  color?: boolean
  memory?: string
  cpu?: string
  perSecond?: string
  burst?: string
  instances?: string
  apps?: string
  instanceMemory?: string
  disk?: string
  rps?: string
  weight?: string
  egress?: string
  cpuHours?: string
  requests?: string
  concurrent?: string
  clientConnections?: string
  websockets?: string
  bandwidthIn?: string
  bandwidthOut?: string
  bandwidth?: string
  connections?: string
  connectionRate?: string
  logRate?: string
  logSize?: string
  io?: string
  cpus?: string
  allow?: string
  deny?: string
  reason?: string
  from?: string
  to?: string
  by?: string
  csv?: boolean
  range?: string
  platform?: boolean
  protocol?: string
  bodyLimit?: string
  firstByteTimeout?: string
  idleTimeout?: string
  concurrency?: string
  sticky?: string
  forceHttps?: string
  generate?: boolean
  env?: string[]
  timeout?: string
  size?: string
  type?: string
  tty?: boolean
  path?: string
  tcp?: boolean
  none?: boolean
  autoRollback?: string
  job?: string
  output?: string
  passphraseFile?: string
  slug?: string
  as?: string
  index?: string
  actor?: string
  operation?: string
  head?: string
  for?: string
  url?: string
  role?: string
  controller?: string
  tokenFile?: string
  dryRun?: boolean
  into?: string
  email?: string
  totp?: string
  readOnly?: boolean
  expires?: string
  forApp?: string
}

/** A command: its arguments as they were typed, and its options. */
export type Run = (context: Context, args: string[], options: Options) => Promise<void>

/** What speaks to the API and to git is imported when it is needed: Node's HTTP alone is a third of the start of a command. */
export function createContext(world: World): Context {
  const client = async () => {
    const [{ createClient }, { chooseCredentials, credentialsFile, readCredentials }] = await Promise.all([
      import('./client.ts'),
      import('./credentials.ts'),
    ])
    const saved = await readCredentials(credentialsFile(world.env))
    return createClient(chooseCredentials(world.env, saved))
  }
  return {
    ...world,
    client,
    app: async ({ app, remote }) => {
      const [{ chooseApp }, { readRemotes }] = await Promise.all([import('./app-choice.ts'), import('./git.ts')])
      const named = world.env['BERTH_APP'] || undefined
      const isNamed = app !== undefined || (remote === undefined && named !== undefined)
      const remotes = isNamed ? {} : await readRemotes(world.cwd)
      return chooseApp({ app, remote, environment: named }, remotes, (await client()).apiUrl)
    },
  }
}
