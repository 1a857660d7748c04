import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

describe('npm run up, when something is wrong', () => {
  let home: string
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'berth-up-'))
  })
  afterEach(async () => {
    await rm(home, { recursive: true, force: true })
  })

  it('names the port that is in use, its setting and who has it', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      const { port } = server.address() as AddressInfo
      const { code, said } = await up({ BERTH_HOME: home, BERTH_API_PORT: String(port) })
      assert.equal(code, 1)
      assert.match(
        said,
        new RegExp(
          `Port ${port} on 127\\.0\\.0\\.1 is taken by another program \\(.*pid ${process.pid}\\).*BERTH_API_PORT`,
        ),
      )
    } finally {
      server.close()
    }
  })

  it('names a bad setting and its value', async () => {
    const { code, said } = await up({ BERTH_HOME: home, BERTH_HTTP_PORT: '80a' })
    assert.equal(code, 1)
    assert.match(said, /BERTH_HTTP_PORT must be a port number from 1 to 65535, got "80a"/)
    assert.equal(said.trim().split('\n').length, 1)
  })

  it('names a data folder that cannot be used', async () => {
    const file = join(home, 'a-file')
    await writeFile(file, '')
    const { code, said } = await up({ BERTH_HOME: file })
    assert.equal(code, 1)
    assert.match(said, /a-file cannot be used: .*BERTH_HOME/)
  })

  it('without root, says what needs root and the line to use', async () => {
    const { code, said } = await new Promise<{ code: number | null; said: string }>((resolve) => {
      // A copy that any user can read: the checkout may lie where only root can pass.
      const script = `process.getuid = () => 1000; process.argv[2] = 'up'; await import(${JSON.stringify(join(ROOT, 'scripts/setup.mjs'))})`
      execFile(process.execPath, ['--input-type=module', '--eval', script, 'up'], (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, said: stdout + stderr }),
      )
    })
    assert.equal(code, 1)
    assert.match(said, /needs root.*mounts.*namespaces/s)
    assert.match(said, /sudo .*npm run up/)
  })
})

function up(env: Record<string, string>): Promise<{ code: number | null; said: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(ROOT, 'scripts/up.ts')], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
    child.on('close', (code) => resolve({ code, said }))
  })
}
