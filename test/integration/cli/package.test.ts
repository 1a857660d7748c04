import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { builtinModules } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startApi, type TestApi } from '#test/helpers/api.ts'

const run = promisify(execFile)

/** The oldest Node that is at hand besides the pinned one: a system's own, where it is from 20 on. */
async function oldestNode(): Promise<string> {
  for (const path of [process.env['BERTH_OLD_NODE'] ?? '', '/usr/bin/node', '/usr/local/bin/node']) {
    if (path === '' || !existsSync(path)) continue
    const { stdout } = await run(path, ['--version'])
    if (Number(/^v(\d+)/.exec(stdout)?.[1] ?? 0) >= 20) return path
  }
  return process.execPath
}

describe('The package of the command line', function () {
  // npm and the packing take seconds on a busy machine.
  this.timeout(120_000)
  let api: TestApi
  let prefix: string
  let node: string
  const env = () => ({
    PATH: process.env['PATH'],
    HOME: prefix,
    BERTH_API_URL: api.url,
    BERTH_TOKEN: api.operator,
    npm_config_update_notifier: 'false',
  })
  const berth = (...args: string[]) => run(node, [join(prefix, 'bin/berth'), ...args], { env: env(), cwd: prefix })

  before(async () => {
    api = await startApi()
    prefix = await mkdtemp(join(tmpdir(), 'berth-prefix-'))
    node = await oldestNode()
    await run('npm', ['install', '--global', '--no-audit', '--no-fund', '--prefix', prefix, `${api.url}/cli.tgz`], {
      env: env(),
      cwd: prefix,
    })
  })
  after(async () => {
    await api.stop()
    await rm(prefix, { recursive: true, force: true })
  })

  it('is installed by npm from the controller, and knows its version and the server’s', async () => {
    const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string }
    const { stdout } = await berth('version')
    assert.equal(stdout, `berth ${version}\nserver ${version} at ${api.url}\n`)
    const { stdout: how } = await berth('update')
    assert.match(how, /npm install --global http:\S+\/cli\.tgz/)
  })

  it('makes, shows and destroys an app, and reads its help', async () => {
    assert.match((await berth('create', 'packed')).stdout, /^Created packed\./)
    assert.match((await berth('apps')).stdout, /^packed /m)
    assert.match((await berth('config', 'set', '--help')).stdout, /^Usage: berth config:set/)
    await berth('destroy', 'packed', '--confirm', 'packed')
    assert.doesNotMatch((await berth('apps')).stdout, /packed/)
  })

  it('holds the code of the commands, and no library of the server’s', async () => {
    for (const command of ['whoami', 'users', 'webhooks', 'alerts', 'drains', 'metrics', 'audit', 'top'])
      await berth(command, ...(['webhooks', 'drains', 'metrics'].includes(command) ? ['--platform'] : []))
    const code = await readFile(join(prefix, 'lib/node_modules/berth-cli/berth.js'), 'utf8')
    const foreign = [...code.matchAll(/(?:from|import\()\s*["'`]([@a-z][\w@:/.-]*)["'`]/g)].map(([, name = '']) => name)
    assert.deepEqual(
      foreign.filter((name) => !name.startsWith('node:') && !builtinModules.includes(name)),
      [],
    )
    assert.doesNotMatch(code, /ioredis|bullmq|express|openid-client|nodemailer|client-s3|prom-client/i)
  })

  it('says where to run what only a checkout can do', async () => {
    for (const args of [['install', '--dry-run'], ['restore', 'x'], ['doctor']])
      await assert.rejects(berth(...args), { code: 1, stderr: /checkout/ }, args.join(' '))
  })

  it('is what git asks for the password, by the path where it was installed', async () => {
    await run('git', ['init', '--quiet'], { env: env(), cwd: prefix })
    await berth('create', 'by-git')
    const { stdout } = await run('git', ['config', '--get-all', `credential.${api.url}.helper`], {
      env: env(),
      cwd: prefix,
    })
    const [, helper = ''] = /^!'(.+)' git:credentials$/m.exec(stdout) ?? []
    assert.ok(helper.endsWith('/berth-cli/berth.js'), stdout)
    const { stdout: listed } = await run('git', ['ls-remote', 'berth'], { env: env(), cwd: prefix })
    assert.equal(listed, '')
  })
})
