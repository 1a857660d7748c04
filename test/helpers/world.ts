/** A whole Berth for end-to-end tests: started by `scripts/up.ts` exactly as a user does, in a temporary data folder. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { request, type IncomingHttpHeaders } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { berth, BERTH, runProgram, type Ran, type Surroundings } from './command-line.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export type { Ran }
export type Answer = { status: number; headers: IncomingHttpHeaders; body: string }
export type Push = { code: number; output: string }
export type OtherHost = { home: string; kill(): Promise<void>; stop(): Promise<void> }

export type World = {
  home: string
  apiUrl: string
  httpPort: number
  token: string
  env: NodeJS.ProcessEnv
  /** `npm run up` itself, and what it said so far. */
  up: { process: ChildProcess; said: () => string }
  /** Runs a berth command; fails the test when the command fails, unless failure is allowed. */
  cli(args: string[], options?: { cwd?: string; input?: string; allowFailure?: boolean; token?: string }): Promise<Ran>
  api: (method: string, path: string, body?: unknown) => Promise<{ status: number; body: unknown }>
  /** Asks an app through the router. */
  http(
    app: string,
    path: string,
    options?: { method?: string; headers?: Record<string, string>; body?: string },
  ): Promise<Answer>
  git(args: string[], cwd: string): Promise<Ran>
  /** Commits a fixture (null: an empty tree) with changes on top of it, and pushes it. */
  pushApp(
    app: string,
    fixture: string | null,
    options?: { change?: Record<string, string>; ref?: string; message?: string },
  ): Promise<Push>
  /** A second host: an agent with a data folder of its own. The same one when it is asked for again. */
  addHost(id: string, env?: Record<string, string>): Promise<OtherHost>
  /** kill -9; whoever supervises it starts it again. */
  killPart(part: 'controller' | 'agent' | 'router' | 'redis'): Promise<void>
  /** kill -9 of the supervisor and of all parts at once; the instances run on, as nobody stops them. */
  killAll(): Promise<void>
  logs(): Promise<string>
  stop(): Promise<void>
}

export const fixtureFolder = (name: string): string => join(ROOT, 'test/fixtures/apps', name)

/** The same world, whose commands are called as people do, by bin/berth: each is a process (see `berth`). */
export const asProgram = (world: World): World => ({
  ...world,
  cli: cliOf(world, (args, surroundings) => runProgram([BERTH, ...args], surroundings)),
})

export async function startWorld(options: { env?: Record<string, string>; home?: string } = {}): Promise<World> {
  const home = options.home ?? (await mkdtemp(join(tmpdir(), 'berth-world-')))
  const [apiPort, httpPort, agentPort] = [await freePort(), await freePort(), await freePort()]
  const settings = {
    BERTH_HOME: home,
    BERTH_API_PORT: String(apiPort),
    BERTH_INTERNAL_PORT: String(await freePort()),
    BERTH_HTTP_PORT: String(httpPort),
    BERTH_HTTPS_PORT: String(await freePort()),
    BERTH_AGENT_PORT: String(agentPort),
    BERTH_SSH_PORT: String(await freePort()),
    // What its workers do together is for tests that say how many there are.
    BERTH_ROUTER_WORKERS: '1',
    ...options.env,
  }
  const up = spawn(process.execPath, [join(ROOT, 'scripts/up.ts')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...settings },
  })
  const output = collect(up)
  const apiUrl = `http://127.0.0.1:${apiPort}`
  await waitFor(() => output().includes('ready') || up.exitCode !== null, {
    timeoutMs: 110_000,
    what: 'the line with "ready"',
    detail: output,
  })
  if (up.exitCode !== null) throw new Error(`up ended with code ${up.exitCode}: ${output()}`)
  const token = (await readFile(join(home, 'operator-token'), 'utf8')).trim()
  const env = {
    ...process.env,
    ...settings,
    BERTH_API_URL: apiUrl,
    BERTH_TOKEN: token,
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_GLOBAL: '/dev/null',
    XDG_CONFIG_HOME: join(home, 'config'),
  }
  const slot = await slotOf(home)
  const hosts = new Map<string, OtherHost>()
  const folders: string[] = []

  const world: World = {
    home,
    apiUrl,
    httpPort,
    token,
    env,
    up: { process: up, said: output },
    cli: cliOf({ home, env }, berth),
    async api(method, path, body) {
      const response = await fetch(`${apiUrl}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      return { status: response.status, body: text === '' ? null : (JSON.parse(text) as unknown) }
    },
    http: (app, path, asked) => ask(httpPort, `${app}.localhost`, path, asked),
    git: (args, cwd) => runProgram(['git', ...args], { cwd, env }),
    async pushApp(app, fixture, { change = {}, ref = 'HEAD:refs/heads/main', message = 'A push' } = {}) {
      const folder = await mkdtemp(join(tmpdir(), 'berth-push-'))
      folders.push(folder)
      if (fixture !== null)
        await cp(fixtureFolder(fixture), folder, { recursive: true, filter: (path) => !path.includes('node_modules') })
      for (const [name, text] of Object.entries(change)) {
        await mkdir(dirname(join(folder, name)), { recursive: true })
        await writeFile(join(folder, name), text)
      }
      const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@example.invalid']
      await runProgram(['git', 'init', '--quiet', '--initial-branch=main'], { cwd: folder, env })
      await runProgram(['git', 'add', '--all', '--force'], { cwd: folder, env })
      await runProgram(['git', ...identity, 'commit', '--quiet', '--allow-empty', '--message', message], {
        cwd: folder,
        env,
      })
      const credentials = `http.extraHeader=Authorization: Basic ${Buffer.from(`berth:${token}`).toString('base64')}`
      const { code, stdout, stderr } = await runProgram(
        ['git', '-c', credentials, 'push', '--force', `${apiUrl}/git/${app}.git`, ref],
        { cwd: folder, env },
      )
      return { code, output: stdout + stderr }
    },
    async addHost(id, extra = {}) {
      const known = hosts.get(id)
      if (known) return known
      const { stdout } = await world.cli(['hosts:add', id])
      const host = await startHost(id, { ...settings, ...extra }, home, stdout.trim())
      hosts.set(id, host)
      return host
    },
    async killPart(part) {
      const file = join(home, 'run', `${part}.pid`)
      const pid = Number(await readFile(file, 'utf8'))
      process.kill(pid, 'SIGKILL')
      await waitFor(async () => Number(await readFile(file, 'utf8').catch(() => pid)) !== pid, {
        timeoutMs: 20_000,
        what: `a new ${part}`,
      })
    },
    async killAll() {
      const parts = ['controller', 'agent', 'router', 'redis']
      const pids = await Promise.all(
        parts.map(async (part) => Number(await readFile(join(home, 'run', `${part}.pid`), 'utf8'))),
      )
      up.kill('SIGKILL')
      for (const pid of pids) process.kill(pid, 'SIGKILL')
      await once(up, 'exit')
    },
    async logs() {
      const names = await readdir(join(home, 'logs')).catch(() => [])
      const texts = await Promise.all(
        names.map(async (name) => `── ${name}\n${(await readFile(join(home, 'logs', name), 'utf8')).slice(-4000)}`),
      )
      return [output(), ...texts].join('\n')
    },
    async stop() {
      for (const host of hosts.values()) await host.stop()
      const runs = () => up.exitCode === null && up.signalCode === null
      if (runs()) up.kill('SIGTERM')
      if (runs()) await Promise.race([once(up, 'exit'), wait(60_000, undefined, { ref: false })])
      if (runs()) up.kill('SIGKILL')
      for (const folder of folders) await rm(folder, { recursive: true, force: true })
      const left = await leftForGood(home, slot)
      if (!options.home) await rm(home, { recursive: true, force: true })
      if (left.length > 0) throw new Error(`The end of Berth left behind: ${left.join('; ')}. It said: ${output()}`)
    },
  }
  return world
}

type Call = (args: string[], surroundings: Surroundings) => Promise<Ran>

function cliOf({ home, env }: Pick<World, 'home' | 'env'>, call: Call): World['cli'] {
  return async (args, { cwd = home, input, allowFailure = false, token } = {}) => {
    const ran = await call(args, { cwd, env: token ? { ...env, BERTH_TOKEN: token } : env, input })
    if (ran.code !== 0 && !allowFailure)
      throw new Error(`berth ${args.join(' ')} ended with ${ran.code}: ${ran.stderr}${ran.stdout}`)
    return ran
  }
}

const GONE_WITHIN_MS = 30_000

/** A loop device goes with the last copy of its mount, which a sandbox of a neighbour may hold for a moment. */
async function leftForGood(home: string, slot: string): Promise<string[]> {
  for (const until = Date.now() + GONE_WITHIN_MS; ; await wait(100)) {
    const left = await leftBehind(home, slot)
    if (left.length === 0 || Date.now() > until) return left
  }
}

/** What a stopped Berth must not leave: processes and mounts of its folder, loop devices, and all that its slot names. */
export async function leftBehind(home: string, slot: string): Promise<string[]> {
  const inFolder = (text: string) => text.split('\n').filter((line) => line.includes(`${home}/`))
  const [loops, namespaces, tables, links] = await Promise.all(
    [
      ['losetup', '-a'],
      ['ip', 'netns', 'list'],
      ['nft', 'list', 'tables'],
      ['ip', '-o', 'link'],
    ].map(([program = '', ...args]) =>
      runProgram([program, ...args], { cwd: '/', env: process.env }).then(({ stdout }) => stdout.split('\n')),
    ),
  )
  const groups = (await readdir('/sys/fs/cgroup')).flatMap((name) => [
    `/sys/fs/cgroup/${name}/berth-${slot}`,
    `/sys/fs/cgroup/berth-${slot}`,
  ])
  const ofFolder = [
    ...inFolder(await readFile('/proc/mounts', 'utf8')).map((line) => `mount ${line}`),
    ...(await processesOf(home)),
    ...inFolder((loops ?? []).join('\n')).map((line) => `loop device ${line}`),
  ]
  const ofSlot = [
    ...(namespaces ?? [])
      .filter((line) => line.startsWith(`berth-${slot}-`))
      .map((line) => `network namespace ${line}`),
    ...(tables ?? []).filter((line) => line.endsWith(` berth_${slot}`)).map((line) => `nft ${line}`),
    ...(links ?? []).filter((line) => line.includes(`bv${slot}-`)).map((line) => `link ${line}`),
    ...[...new Set(groups)].filter((path) => existsSync(path)).map((path) => `cgroup ${path}`),
  ]
  // A slot that was given back may be another Berth's at once, and what it names then is that one's.
  const owner = await ownerOf(slot)
  return owner === null || owner === home ? [...ofFolder, ...ofSlot] : ofFolder
}

/** The data folder that a slot is claimed for. */
const ownerOf = (slot: string): Promise<string | null> => readFile(`/run/berth/slots/${slot}`, 'utf8').catch(() => null)

async function processesOf(home: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    pids.map(async (pid) => {
      const commandLine = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ')
      return commandLine.includes(`${home}/`) ? `process ${pid} ${commandLine}` : null
    }),
  )
  return found.filter((line) => line !== null)
}

/** The slot that an agent claimed for its data folder. */
export async function slotOf(home: string): Promise<string> {
  for (const name of await readdir('/run/berth/slots')) if ((await ownerOf(name)) === home) return name
  throw new Error(`no slot of ${home}`)
}

async function startHost(
  id: string,
  settings: Record<string, string>,
  mainHome: string,
  joinToken: string,
): Promise<OtherHost> {
  const home = await mkdtemp(join(tmpdir(), `berth-${id}-`))
  const env = {
    ...process.env,
    ...settings,
    BERTH_HOME: home,
    BERTH_HOST_ID: id,
    BERTH_AGENT_PORT: String(await freePort()),
    BERTH_REDIS_URL: `unix://${mainHome}/redis/redis.sock`,
    BERTH_JOIN_TOKEN: joinToken,
  }
  const agent = spawn(process.execPath, [join(ROOT, 'agent/main.ts')], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env,
  })
  const output = collect(agent)
  await Promise.race([
    once(agent, 'message'),
    once(agent, 'exit').then(() => Promise.reject(new Error(`agent ${id} ended: ${output()}`))),
  ])

  async function clear(): Promise<void> {
    await runProgram([process.execPath, join(ROOT, 'agent/main.ts'), '--teardown'], { cwd: home, env })
  }
  return {
    home,
    /** As a power cut: the agent and all of its instances at once, and nobody is told. */
    async kill() {
      agent.kill('SIGKILL')
      await once(agent, 'exit')
      await runProgram([process.execPath, join(ROOT, 'agent/main.ts'), '--teardown'], {
        cwd: home,
        env: { ...env, BERTH_REDIS_URL: 'unix:///nonexistent.sock' },
      })
    },
    async stop() {
      if (agent.exitCode === null && agent.signalCode === null) {
        agent.kill('SIGTERM')
        await once(agent, 'exit')
      }
      await clear()
      await rm(home, { recursive: true, force: true })
    },
  }
}

function ask(
  port: number,
  host: string,
  path: string,
  { method = 'GET', headers = {}, body }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port, path, method, headers: { host, ...headers }, agent: false, timeout: 20_000 },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        )
      },
    )
    asked.on('timeout', () => asked.destroy(new Error(`${host}${path} did not answer in 20 s`)))
    asked.on('error', reject)
    asked.end(body)
  })
}

function collect(child: ChildProcess): () => string {
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (text = (text + chunk.toString()).slice(-20_000)))
  return () => text
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** What comes soon is seen soon, and what takes long is not asked for all the time, as that takes the time from it. */
const [FIRST_PAUSE_MS, LAST_PAUSE_MS] = [40, 250]

export async function waitFor(
  condition: () => boolean | Promise<boolean>,
  { timeoutMs, what, detail }: { timeoutMs: number; what: string; detail?: () => string },
): Promise<void> {
  const deadline = Date.now() + timeoutMs
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LAST_PAUSE_MS, pauseMs * 1.2)) {
    if (await condition()) return
    if (Date.now() > deadline)
      throw new Error(`Waited ${timeoutMs / 1000} s in vain for ${what}.${detail ? ` ${detail()}` : ''}`)
    await wait(pauseMs)
  }
}
