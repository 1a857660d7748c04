import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm, writeFile, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '#core/runtime/process.ts'
import { runBuild, type BuildOptions, type BuildOutcome } from '#test/helpers/builds.ts'
import { startNeighbour } from '#test/helpers/neighbour.ts'
import { startTestHost, type TestHost } from '#test/helpers/sandboxes.ts'
import { requireDisk } from '../../../agent/builds/disk.ts'
import { unmount } from '../../../agent/sandbox/mounts.ts'

const HOSTILE = join(import.meta.dirname, '../../fixtures/hostile-buildpack')

describe('A build that takes all it can get', function () {
  this.timeout(120_000)
  let world: TestHost
  let folder: string
  before(async function () {
    this.timeout(180_000)
    world = await startTestHost()
    folder = await mkdtemp(join(tmpdir(), 'berth-busy-'))
  })
  after(async () => {
    await world?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const disks: string[] = []
  afterEach(async () => {
    for (const disk of disks.splice(0)) await unmount(disk)
  })

  let builds = 0
  /** @param script what its compile phase does */
  async function scripted(script: string, options: Partial<BuildOptions> = {}): Promise<BuildOutcome> {
    const source = join(folder, `script-${++builds}`)
    await writeFile(
      source,
      `if [ "$1" = detect ]; then
  echo '{"buildpack":"x","because":"x","runtimes":[],"dependencies":null}' > /build/plan.json
else
  ${script}
  echo '{"processes":{"web":"true"},"env":{}}' > /build/release.json
fi`,
    )
    return runBuild(world, { source, buildpacks: HOSTILE, ...options })
  }

  it('B04: of CPU, memory, processes and disk leaves a neighbour its answers', async () => {
    const neighbour = await startNeighbour(world, 'journal')
    const outcome = await neighbour.unharmedBy(() =>
      scripted(
        `pids=
         for n in 1 2 3 4 5 6 7 8; do (while :; do :; done) & pids="$pids $!"; done
         (while :; do dd if=/dev/zero of=/app/big bs=1M count=60 conv=fsync 2>/dev/null; done) & pids="$pids $!"
         sleep 4; kill $pids; rm -f /app/big`,
      ),
    )
    assert.ok(outcome.slug, `${outcome.error}\n${outcome.log}`)
    assert.ok(neighbour.answers().length > 10)
  })

  it('runs code of the platform’s that was compiled before, and that no build can change', async () => {
    const { slug, error, log } = await scripted(
      'touch /berth/mine || echo refused; test -z "$NODE_COMPILE_CACHE" || touch "$NODE_COMPILE_CACHE/mine" || echo refused',
    )
    assert.ok(slug, error)
    assert.match(log, /refused/)
    const compiled = join(world.folders.platform, 'compiled')
    const [version = ''] = await readdir(compiled)
    const [, ...others] = await readdir(join(compiled, version))
    assert.deepEqual(others, [], 'all code is one file')
    const [file = ''] = await readdir(join(compiled, version))
    assert.ok((await stat(join(compiled, version, file))).size > 10_000)
  })

  it('B04: of output keeps its beginning and its end', async () => {
    const { slug, error, log } = await scripted(
      `i=0; while [ $i -lt 600 ]; do head -c 1500 /dev/zero | tr '\\\\0' x; echo; i=$((i+1)); done; echo the very end`,
    )
    assert.ok(slug, error)
    assert.match(log, /the very end/)
  })

  it('ENOSPC: on a host whose own disk is nearly full is not begun, and blames nobody’s app', async () => {
    const disk = await aSmallDisk(64)
    await assert.rejects(requireDisk(disk, 'host-a' as never), /disk of the host host-a is full \(\d+ MB are free\)/)
    const { slug, error } = await scripted('true', { buildsFolder: disk })
    assert.equal(slug, null)
    assert.match(error, /not your app's fault/)
    assert.deepEqual(await readdir(disk), [])
  })

  it('ENOSPC: that fills its host’s own disk fails with that, makes no slug and leaves nothing', async () => {
    const disk = await aSmallDisk(400)
    const { slug, error } = await scripted('dd if=/dev/urandom of=/app/big bs=1M count=350 conv=fsync; true', {
      buildsFolder: disk,
      diskMb: 1024,
    })
    assert.equal(slug, null)
    assert.match(error, /disk of the host \S+ is full/)
    assert.deepEqual(await readdir(disk), [])
  })

  /** A file system of its own below the host's folders, where sandboxes' mounts may lie. */
  async function aSmallDisk(megabytes: number): Promise<string> {
    const disk = join(world.folders.builds, `disk-${megabytes}`)
    await mkdir(disk, { recursive: true, mode: 0o711 })
    await run(['mount', '-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0711`, 'tmpfs', disk])
    disks.push(disk)
    return disk
  }
})
