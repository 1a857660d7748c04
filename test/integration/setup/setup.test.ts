import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
type Options = { env?: Record<string, string>; withoutRoot?: boolean; root?: string }

function setup(purpose: string, { env = {}, withoutRoot = false, root = ROOT }: Options = {}) {
  // In a user namespace without mappings a process is nobody, and can still read a checkout below /root.
  const prefix = withoutRoot ? ['unshare', '--user', '--'] : []
  const [program = '', ...args] = [...prefix, process.execPath, join(root, 'scripts/setup.mjs'), purpose]
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], ...env },
    timeout: 60_000,
  })
  return { status, stdout, stderr, lines: stderr.trim().split('\n') }
}

describe('The set-up', () => {
  it('tells a user without root why root is needed, and the command that keeps the settings', () => {
    const { status, lines } = setup('up', {
      withoutRoot: true,
      env: { BERTH_HOME: '/srv/berth', BERTH_API_PORT: '4001' },
    })
    assert.equal(status, 1)
    assert.match(lines[0] ?? '', /needs root.*mounts, namespaces, cgroups, nftables/)
    assert.equal(lines[1]?.trim(), 'sudo --preserve-env=BERTH_HOME,BERTH_API_PORT env "PATH=$PATH" npm run up')
  })

  it('names the command that was asked for', () => {
    assert.match(setup('test', { withoutRoot: true }).stderr, / npm test$/m)
    assert.match(setup('bench', { withoutRoot: true }).stderr, / npm run bench$/m)
  })

  it('refuses a purpose that it does not know', () => {
    const { status, stderr } = setup('dance')
    assert.equal(status, 1)
    assert.match(stderr, /^There is no set-up for dance\. There are: up, test, bench, check, image\.\n$/)
  })

  it('stops where Debian’s packages cannot be had, and names those that are missing', async () => {
    await inBareCheckout((root) => {
      const { status, lines } = setup('up', { root, env: { PATH: '/nonexistent' } })
      assert.equal(status, 1)
      assert.equal(lines.length, 1)
      assert.match(
        lines[0] ?? '',
        /^These programs are missing, and this is not Debian.*: crun, conmon, redis-server, /,
      )
    })
  })

  it('says which dependency could not be installed, and why, without a stack trace', async function () {
    this.timeout(60_000)
    await inBareCheckout(async (root) => {
      const resolved = 'http://127.0.0.1:9/gone-1.0.0.tgz'
      const manifest = { name: 'bare', version: '1.0.0', dependencies: { gone: '1.0.0' } }
      const lock = {
        ...manifest,
        lockfileVersion: 3,
        packages: { '': manifest, 'node_modules/gone': { version: '1.0.0', resolved } },
      }
      await writeFile(join(root, 'package.json'), JSON.stringify(manifest))
      await writeFile(join(root, 'package-lock.json'), JSON.stringify(lock))
      const { status, stdout, lines } = setup('check', { root, env: { npm_config_fetch_retries: '0' } })
      assert.equal(status, 1)
      assert.match(stdout, /^==> Installing npm dependencies/)
      assert.equal(lines.length, 1)
      assert.match(lines[0] ?? '', /^npm ci failed: .*127\.0\.0\.1:9/)
    })
  })

  const badSettings: { env: Record<string, string>; says: RegExp }[] = [
    { env: { BERTH_HTTP_PORT: '80a' }, says: /^BERTH_HTTP_PORT must be a port number.*"80a"/ },
    { env: { BERTH_CACHE: '/proc/berth/cache' }, says: /^The folder \/proc\/berth\/cache cannot be used.*BERTH_CACHE/ },
    { env: { BERTH_CACHE: '/etc/passwd/cache' }, says: /^The folder \/etc\/passwd\/cache cannot be used/ },
  ]
  for (const { env, says } of badSettings) {
    it(`answers ${JSON.stringify(env)} in one line`, function () {
      this.timeout(20_000)
      const { status, stderr } = spawnSync(process.execPath, [join(ROOT, 'scripts/build-stack.ts')], {
        encoding: 'utf8',
        env: { ...process.env, ...env },
        timeout: 20_000,
      })
      assert.equal(status, 1)
      assert.match(stderr, says)
      assert.equal(stderr.trim().split('\n').length, 1)
    })
  }
})

/** A checkout with nothing but the set-up, so that the real one's dependencies stay as they are. */
async function inBareCheckout(use: (root: string) => void | Promise<void>): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'berth-setup-'))
  try {
    await mkdir(join(root, 'scripts'))
    await copyFile(join(ROOT, 'scripts/setup.mjs'), join(root, 'scripts/setup.mjs'))
    await use(root)
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}
