import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '#core/runtime/config.ts'
import { waitFor } from '#test/helpers/world.ts'
import { checkFolder, checkPorts } from '../../../scripts/up/checks.ts'
import { endLeftovers } from '../../../scripts/up/leftovers.ts'
import { takeLock } from '../../../scripts/up/lock.ts'
import type { Part } from '../../../scripts/up/parts.ts'
import { startPart, type RunningPart } from '../../../scripts/up/supervise.ts'

describe('The supervisor of npm run up', () => {
  let folder: string
  const said: string[] = []
  const running: RunningPart[] = []
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-up-'))
    said.length = 0
  })
  afterEach(async () => {
    await Promise.all(running.splice(0).map((part) => part.stop()))
    await rm(folder, { recursive: true, force: true })
  })

  /** A part that runs the given program text. */
  function startProgram(text: string, stopMs = 5_000): RunningPart {
    const part: Part = {
      name: 'router',
      argv: [process.execPath, '--eval', text],
      ready: { kind: 'message' },
      stopMs,
    }
    const started = startPart(part, { logs: folder, pids: folder, say: (line) => void said.push(line) })
    running.push(started)
    return started
  }
  const pidOf = async () => Number(await readFile(join(folder, 'router.pid'), 'utf8'))
  const STAYS = "process.send('ready'); setInterval(() => {}, 1000)"

  it('starts a part again that ended unasked, and says so', async () => {
    await startProgram(STAYS).ready
    const before = await pidOf()
    process.kill(before, 'SIGKILL')
    await waitFor(async () => (await pidOf()) !== before, { timeoutMs: 5_000, what: 'a new process' })
    assert.match(said.join('\n'), /^The router ended \(SIGKILL\); starting it again\. Its log: .*router\.log$/)
  })

  it('shows the last that a part said when it does not start', async () => {
    const { ready } = startProgram("console.error('Port 1 is taken.'); process.exit(1)")
    await assert.rejects(ready, { message: 'The router did not start. Port 1 is taken.' })
  })

  it('asks a part to end, waits, and leaves neither process nor pid file', async () => {
    const part = startProgram(
      `process.on('SIGTERM', () => setTimeout(() => { console.log('ended well'); process.exit(0) }, 100)); ${STAYS}`,
    )
    await part.ready
    const pid = await pidOf()
    await part.stop()
    assert.equal(isAlive(pid), false)
    assert.match(await readFile(join(folder, 'router.log'), 'utf8'), /ended well/)
    await assert.rejects(stat(join(folder, 'router.pid')), { code: 'ENOENT' })
    assert.deepEqual(said, [])
  })

  it('kills a part that does not end when asked', async () => {
    const part = startProgram(`process.on('SIGTERM', () => {}); ${STAYS}`, 200)
    await part.ready
    const pid = await pidOf()
    await part.stop()
    assert.equal(isAlive(pid), false)
  })

  it('keeps one old log when a log is large', async () => {
    await writeFile(join(folder, 'router.log'), Buffer.alloc(11 * 1024 * 1024, 'x'))
    await startProgram(STAYS).ready
    assert.equal((await stat(join(folder, 'router.log'))).size, 0)
    assert.equal((await stat(join(folder, 'router.log.1'))).size, 11 * 1024 * 1024)
  })

  it('names the setting, the port and its holder when a port is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    try {
      const config = readConfig({ BERTH_API_PORT: String(port) })
      await assert.rejects(checkPorts(config), (error: Error) => {
        assert.match(
          error.message,
          new RegExp(`Port ${port} on 127\\.0\\.0\\.1 .*pid ${process.pid}\\b.*BERTH_API_PORT`),
        )
        return true
      })
    } finally {
      server.close()
    }
  })

  it('makes a missing folder, and names the setting of one that cannot be used', async () => {
    await checkFolder('BERTH_HOME', join(folder, 'deep/er'))
    assert.ok((await stat(join(folder, 'deep/er'))).isDirectory())
    await assert.rejects(checkFolder('BERTH_HOME', '/proc/berth/home'), {
      message: /^The folder \/proc\/berth\/home cannot be used.*set BERTH_HOME/,
    })
  })

  it('runs once per data folder, and takes over from one that was killed', async () => {
    const other = await stranger('scripts/up.ts')
    await writeFile(join(folder, 'up.pid'), String(other.pid))
    await assert.rejects(takeLock(folder), { message: new RegExp(`as pid ${other.pid}\\. Stop that one`) })
    await other.kill()
    const lock = await takeLock(folder)
    assert.equal(await readFile(join(folder, 'up.pid'), 'utf8'), String(process.pid))
    await lock.release()
  })

  it('ends what a killed supervisor left, but no process that only has its number', async () => {
    const left = await stranger('router/main.ts')
    const innocent = await stranger('something-else.ts')
    try {
      await writeFile(join(folder, 'router.pid'), String(left.pid))
      await writeFile(join(folder, 'agent.pid'), String(innocent.pid))
      await endLeftovers(folder, (line) => void said.push(line))
      assert.equal(isAlive(left.pid), false)
      assert.equal(isAlive(innocent.pid), true)
      assert.match(said.join('\n'), new RegExp(`^The router of an earlier run is still there \\(pid ${left.pid}\\)`))
    } finally {
      await left.kill()
      await innocent.kill()
    }
  })

  /** A process whose command line ends with the given path. */
  async function stranger(path: string): Promise<{ pid: number; kill(): Promise<void> }> {
    const file = join(folder, path)
    await mkdir(join(file, '..'), { recursive: true })
    await writeFile(file, "console.log('up'); setInterval(() => {}, 1000)")
    const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    const exited = once(child, 'exit')
    return {
      pid: child.pid ?? 0,
      async kill() {
        child.kill('SIGKILL')
        await exited
      },
    }
  }
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
