/**
 * The same idle app in Docker's containers, where a `dockerd` is to be had (Debian's package docker.io; unpacked and on the PATH is
 * enough). It is started by hand with folders of its own, and without networks: its bridge and firewall rules would be the machine's, so
 * its figures lack what a link costs, which ours have.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { readConfig } from '../core/runtime/config.ts'
import { run } from '../core/runtime/process.ts'
import { removeCgroup } from '../agent/sandbox/cgroup.ts'
import { mountReadOnly, unmount, unmountBelow } from '../agent/sandbox/mounts.ts'
import { STACK_NAME } from '../agent/stack.ts'
import { available, MB, privateOf, settle } from './memory.ts'
import { median, printTable } from './table.ts'

const CONTAINERS = 50
const START_MS = 60_000
const CGROUP = '/berth-bench-docker'
const IMAGE = 'berth-bench'
const APP = fileURLToPath(new URL('../test/fixtures/apps/node-plain', import.meta.url))

export async function dockerDensity(): Promise<void> {
  const version = await run(['dockerd', '--version']).then(
    ({ stdout }) => stdout.trim(),
    () => null,
  )
  if (version === null) return console.log('\nNo dockerd on this machine, so nothing to compare with.')
  const home = await mkdtemp(join(tmpdir(), 'berth-docker-'))
  const engine = await startEngine(home)
  try {
    await importStack(engine, join(home, 'stack'))
    const runtime = await nodeRuntime()
    // What is there once for all of them is not what one more costs.
    await engine.start(runtime)
    await settle()
    const before = await available()
    const took: number[] = []
    for (let n = 0; n < CONTAINERS; n++) took.push(await engine.start(runtime))
    await settle()
    const each = (before - (await available())) / CONTAINERS / MB
    const own = await privateOf((commandLine) => commandLine.startsWith('/node/bin/node\0server.js'))
    const shims = await privateOf(
      (commandLine) => commandLine.includes(`containerd-shim`) && commandLine.includes(home),
    )
    console.log('')
    printTable(
      [`${CONTAINERS} containers of the same app, ${version}`, ''],
      [
        ['all-in (MemAvailable), MB each', each.toFixed(1)],
        ["the app's own private memory, median, MB", (median(own) / MB).toFixed(1)],
        ['all beyond it, MB each', (each - median(own) / MB).toFixed(1)],
        ['of that the shim, median, MB', (median(shims) / MB).toFixed(1)],
        ['`docker run -d`, median, ms', median(took).toFixed(0)],
      ],
    )
  } finally {
    await engine.stop()
    await unmountBelow(home)
    await removeCgroup(CGROUP)
    await rm(home, { recursive: true, force: true })
  }
}

type Engine = {
  docker(...args: string[]): Promise<{ stdout: string }>
  /** @param runtime the folder of a Node. @returns how long `docker run` took, in ms */
  start(runtime: string): Promise<number>
  stop(): Promise<void>
}

async function startEngine(home: string): Promise<Engine> {
  const host = `unix://${join(home, 'socket')}`
  const folders = ['data-root', 'exec-root', 'pidfile'].map((name) => `--${name}=${join(home, name)}`)
  const alone = [
    '--iptables=false',
    '--ip6tables=false',
    '--bridge=none',
    '--exec-opt=native.cgroupdriver=cgroupfs',
    `--cgroup-parent=${CGROUP}`,
  ]
  const child = spawn('dockerd', [...folders, ...alone, '--storage-driver=overlay2', '--host', host], {
    stdio: 'ignore',
  })
  const docker = (...args: string[]) => run(['docker', '--host', host, ...args], { timeoutMs: 120_000 })
  const stop = async () => {
    await docker('ps', '--quiet')
      .then(({ stdout }) => docker('rm', '--force', ...stdout.split('\n').filter(Boolean)))
      .catch(() => undefined)
    const exited = child.exitCode === null ? once(child, 'exit') : null
    child.kill()
    await exited
  }
  for (const until = Date.now() + START_MS; ; await wait(100)) {
    if (
      await docker('info').then(
        () => true,
        () => false,
      )
    )
      break
    if (child.exitCode === null && Date.now() < until) continue
    await stop()
    throw new Error('dockerd does not answer. Run it by hand to see why.')
  }
  return {
    docker,
    async start(runtime) {
      const limits = ['--memory=64m', '--cpus=0.05', '--pids-limit=256', '--network=none']
      const files = [`--volume=${runtime}:/node:ro`, `--volume=${APP}:/app:ro`, '--workdir=/app', '--env=PORT=5000']
      const began = performance.now()
      await docker('run', '--detach', ...limits, ...files, IMAGE, '/node/bin/node', 'server.js')
      return performance.now() - began
    },
    stop,
  }
}

/** An image of the files that our sandboxes have as their root. */
async function importStack(engine: Engine, mounted: string): Promise<void> {
  await mkdir(mounted)
  await mountReadOnly(join(readConfig(process.env).cache, 'stacks', `${STACK_NAME}.squashfs`), mounted)
  const tar = `${mounted}.tar`
  try {
    await run(['tar', '--create', '--file', tar, '--directory', mounted, '.'], { timeoutMs: 300_000 })
    await engine.docker('import', tar, IMAGE)
  } finally {
    await unmount(mounted)
    await rm(tar, { force: true })
  }
}

/** The Node that our apps run by, from the runtime store; the bench before this one has put it there. */
async function nodeRuntime(): Promise<string> {
  const folder = join(readConfig(process.env).cache, 'runtimes')
  const newest = (await readdir(folder))
    .filter((name) => name.startsWith('node@22.'))
    .sort()
    .at(-1)
  if (!newest) throw new Error(`There is no Node 22 in ${folder}.`)
  return join(folder, newest)
}
