import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '#core/runtime/log.ts'
import { runBuild, type BuildOptions } from '#test/helpers/builds.ts'
import { startTestHost, type TestHost } from '#test/helpers/sandboxes.ts'
import { waitFor } from '#test/helpers/world.ts'
import { sweepBuilds } from '../../../agent/builds/sweep.ts'
import { buildsPath, foldersOf } from '../../../agent/sandbox/cgroup.ts'
import { backingFiles } from '../../../agent/sandbox/loops.ts'

const ALONE = join(import.meta.dirname, '../../fixtures/build-alone.ts')
const SCRIPTED = join(import.meta.dirname, '../../fixtures/hostile-buildpack')

/** Runs until it is ended in the phase that it was told, and else to its end. Where that is to be seen, packing takes a moment. */
const script = (sleepsIn: string) => `echo "at $1"
[ "$1" != ${sleepsIn} ] || { echo here > /cache/half; sleep 600; }
[ "$1" != detect ] || echo '{"buildpack":"x","because":"x","runtimes":[],"dependencies":null}' > /build/plan.json
[ "$1" != compile ] || head -c ${sleepsIn === 'pack' ? 25_000_000 : 1000} /dev/urandom > /app/large
[ "$1" != compile ] || echo '{"processes":{"web":"true"},"env":{}}' > /build/release.json
`

describe('I4: a build whose agent is killed', function () {
  this.timeout(120_000)
  let world: TestHost
  let folder: string
  before(async () => {
    world = await startTestHost()
    folder = await mkdtemp(join(tmpdir(), 'berth-killed-'))
  })
  after(async () => {
    await world?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  async function optionsFor(sleepsIn: string): Promise<BuildOptions> {
    const source = join(folder, `script-${sleepsIn}`)
    await writeFile(source, script(sleepsIn))
    return { source, buildpacks: SCRIPTED }
  }

  /** Begins a build in a process of its own, and kills that at once when the build is where it should be. */
  async function killedIn(phase: string): Promise<void> {
    const { host, config, folders } = world
    const told = JSON.stringify({ world: { host, config, folders }, options: await optionsFor(phase) })
    const child = spawn(process.execPath, [ALONE, told], { stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
    const isThere =
      phase === 'pack' ? () => stopPacker(folders.builds) : () => Promise.resolve(said.includes(`at ${phase}\n`))
    await waitFor(isThere, { timeoutMs: 60_000, what: `a build in its ${phase} (it said: ${said})` })
    child.kill('SIGKILL')
    await once(child, 'close')
  }

  /** Whether there is one; it is held where it is, so that it cannot end by itself before somebody ends it. */
  async function stopPacker(builds: string): Promise<boolean> {
    const [pid] = await processesIn(builds, 'mkfs.erofs')
    if (pid !== undefined) process.kill(pid, 'SIGSTOP')
    return pid !== undefined
  }

  async function processesIn(builds: string, named = ''): Promise<number[]> {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
    const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')))
    return pids.filter(
      (_, at) => lines[at]?.startsWith(named) && lines[at].includes(builds) && pids[at] !== process.pid,
    )
  }

  async function left(): Promise<string[]> {
    const { folders, host } = world
    const mine = (path: string) => path.includes(folders.builds) || path.includes(folders.caches)
    return [
      ...(await readdir(folders.builds)),
      ...(await readdir(host.folder)),
      ...(await readdir(join(folders.run, 'bundles')).catch(() => [])),
      ...(await readFile('/proc/mounts', 'utf8')).split('\n').filter(mine),
      ...[...(await backingFiles())].filter(mine),
      ...foldersOf(buildsPath(host.slot)).filter((path) => existsSync(path)),
      ...(await processesIn(folders.agent)).map((pid) => `process ${pid}`),
    ]
  }

  const meter = { lives: () => [], finish: () => Promise.resolve(null) }

  for (const phase of ['detect', 'compile', 'pack', 'upload']) {
    it(`in its ${phase} leaves nothing once the next agent has begun, and is built from its beginning`, async () => {
      await killedIn(phase)
      assert.notDeepEqual(await left(), [])
      await sweepBuilds({ host: world.host, folders: world.folders, meter, log: silentLog })
      await waitFor(async () => (await left()).length === 0, {
        timeoutMs: 20_000,
        what: 'a host without anything of a build',
        detail: () => `It was killed in its ${phase}.`,
      })
      const { slug, error, log } = await runBuild(world, await optionsFor('none'))
      assert.ok(slug, error + log)
      assert.deepEqual(await readdir(world.folders.builds), [])
    })
  }
})
