/** What every command is given: where it runs, whom it speaks to, and how it was asked. Made once, in main.ts. */
import { chooseApp } from './app-choice.ts'
import { createClient, type Client } from './client.ts'
import { chooseCredentials, credentialsFile, readCredentials } from './credentials.ts'
import { readRemotes } from './git.ts'
import type { Output } from './output.ts'

export type World = {
  env: NodeJS.ProcessEnv
  cwd: string
  stdin: NodeJS.ReadStream
  out: Output
  /** Milliseconds since 1970. */
  now: () => number
  /** Absolute path of bin/berth, for git to call. */
  launcher: string
}

export type Context = World & {
  /** @throws exit code 3 when nobody is logged in */
  client: () => Promise<Client>
  /** The app that `-a`, `-r` or the git remotes name. */
  app: (options: Options) => Promise<string>
}

/** All options of all commands, as they were typed. */
export type Options = {
  json?: boolean
  app?: string
  remote?: string
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
  io?: string
  cpus?: string
  allow?: string
  deny?: string
  reason?: string
  from?: string
  to?: string
  by?: string
  csv?: boolean
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
  email?: string
  totp?: string
  role?: string
  readOnly?: boolean
  expires?: string
  forApp?: string
}

/** A command: its arguments as they were typed, and its options. */
export type Run = (context: Context, args: string[], options: Options) => Promise<void>

export function createContext(world: World): Context {
  const client = async () => {
    const saved = await readCredentials(credentialsFile(world.env))
    return createClient(chooseCredentials(world.env, saved))
  }
  return {
    ...world,
    client,
    app: async ({ app, remote }) => {
      const remotes = app === undefined ? await readRemotes(world.cwd) : {}
      return chooseApp({ app, remote }, remotes, (await client()).apiUrl)
    },
  }
}
