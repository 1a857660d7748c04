import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { start } from '../../../controller/index.ts'
import { readConfig, type Config } from '#core/runtime/config.ts'
import type { WhoamiView } from '#core/contract/identity.ts'
import { silentLog } from '#core/runtime/log.ts'
import { run } from '#core/runtime/process.ts'
import { sleep } from '#core/runtime/clock.ts'
import { startRedis, type TestRedis } from '../../helpers/redis.ts'

describe('the controller', function () {
  this.timeout(30_000)
  let redis: TestRedis
  let folder: string

  before(async () => {
    redis = await startRedis()
    folder = await mkdtemp(join(tmpdir(), 'berth-controller-'))
    await chmod(folder, 0o711)
  })
  after(async () => {
    await redis.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const config = (home = join(folder, 'home'), change: Partial<Config> = {}): Config => ({
    ...readConfig({ BERTH_HOME: home, BERTH_REDIS_URL: redis.url }),
    apiPort: 0,
    internalPort: 0,
    sshPort: 0,
    ...change,
  })

  it('lays down its folder at the first start, and finds the same at the second', async () => {
    const home = join(folder, 'home')
    const read = () =>
      Promise.all(['operator-token', 'agents-authority', 'master-key'].map((name) => readFile(join(home, name))))
    const first = await start(config(), silentLog)
    const files = await read()
    const token = files[0]?.toString().trim()
    const whoami = await fetch(`http://127.0.0.1:${first.port}/v1/whoami`, {
      headers: { authorization: `Bearer ${token}` },
    })
    const { actor, tenant, operator } = (await whoami.json()) as WhoamiView
    assert.deepEqual({ actor, tenant, operator }, { actor: 'operator', tenant: null, operator: true })
    await first.stop()
    for (const name of ['operator-token', 'agents-authority', 'master-key'])
      assert.equal((await stat(join(home, name))).mode & 0o777, 0o600)
    const second = await start(config(), silentLog)
    await second.stop()
    assert.deepEqual(await read(), files)
  })

  it('says in one sentence when its port is taken, its folder cannot be used, or Redis is not there', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    await assert.rejects(
      start(config(undefined, { apiPort: port }), silentLog),
      /^BerthError: Port \d+ on 127\.0\.0\.1 .*BERTH_API_PORT/,
    )
    other.close()
    await writeFile(join(folder, 'file'), '')
    await assert.rejects(start(config(join(folder, 'file', 'home')), silentLog), /cannot be used: ENOTDIR.*BERTH_HOME/)
    await mkdir(join(folder, 'closed'), { mode: 0o700 })
    await assert.rejects(
      start(config(join(folder, 'closed', 'home'), { gitSandbox: false }), silentLog),
      /git, which runs as user \d+, cannot work there/,
    )
    const nowhere = { redisUrl: 'unix:///nowhere/redis.sock' }
    await assert.rejects(
      start(config(undefined, nowhere), silentLog),
      /Redis at unix:\/\/\/nowhere\/redis.sock.* cannot be reached/,
    )
  })

  it('lets a push go when it stops, and takes the accepted deploy up again when it is back', async () => {
    const controller = await start(config(), silentLog)
    const token = (await readFile(join(folder, 'home', 'operator-token'), 'utf8')).trim()
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const app = { method: 'POST', headers, body: '{"name":"shop"}' }
    assert.equal((await fetch(`http://127.0.0.1:${controller.port}/v1/apps`, app)).status, 201)

    const checkout = join(folder, 'checkout')
    const env = { ...process.env, HOME: folder, GIT_TERMINAL_PROMPT: '0' }
    const as = ['-c', 'user.name=a', '-c', 'user.email=a@example.com']
    await run(['git', 'init', '--quiet', '--initial-branch=main', checkout], { env })
    await writeFile(join(checkout, 'index.html'), 'hi')
    await run(['git', '-C', checkout, 'add', '.'], { env })
    await run(['git', '-C', checkout, ...as, 'commit', '--quiet', '-m', 'one'], { env })
    const url = `http://x:${token}@127.0.0.1:${controller.port}/git/shop.git`
    const push = spawn('git', ['-C', checkout, 'push', url, 'main'], { env })
    const ended = once(push, 'close')
    let said = ''
    push.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
    while (!said.includes('waiting for a host')) await sleep(20)
    await controller.stop()
    assert.equal((await ended)[0], 1)
    assert.match(said, /Berth is restarting\. Deploy d-\w+ goes on after that/)

    const next = await start(config(), silentLog)
    const deploys = await fetch(`http://127.0.0.1:${next.port}/v1/apps/shop/deploys`, { headers })
    const { deploys: [deploy] } = (await deploys.json()) as { deploys: { id: string; state: string; endedAt: null }[] } // prettier-ignore
    assert.equal(deploy?.endedAt, null)
    await stat(join(folder, 'home', 'sources', `${deploy?.id}.tar`))
    const gone = await fetch(`http://127.0.0.1:${next.port}/v1/apps/shop?confirm=shop`, { method: 'DELETE', headers })
    assert.equal(gone.status, 204)
    await assert.rejects(stat(join(folder, 'home', 'sources', `${deploy?.id}.tar`)))
    await next.stop()
  })
})
