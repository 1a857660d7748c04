import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { stopSandbox, waitForSandbox } from '../../../agent/sandbox/index.ts'
import { startTestHost, type TestHost } from '#test/helpers/sandboxes.ts'

describe('A sandbox', function () {
  this.timeout(60_000)
  let world: TestHost
  before(async function () {
    this.timeout(180_000)
    world = await startTestHost()
  })
  after(() => world?.stop())

  const python = (code: string) => `python3 -c '${code}'`

  it('leaves the host’s /dev/null to root, with its permissions', async () => {
    await world.run('chmod 000 /dev/null; chown 0 /dev/null; cat')
    const { uid, mode } = statSync('/dev/null')
    assert.equal(uid, 0)
    assert.equal(mode & 0o777, 0o666)
  })

  it('ends in good order on SIGTERM', async () => {
    const sandbox = await world.start(
      python(
        'import signal,sys,time\nsignal.signal(15, lambda *a: sys.exit(7))\nprint("up", flush=True)\ntime.sleep(60)',
      ),
    )
    try {
      while (!(await world.output(sandbox)).includes('up')) await new Promise((resolve) => setTimeout(resolve, 20))
      const exited = waitForSandbox(world.host, sandbox, AbortSignal.timeout(20_000))
      await stopSandbox(world.host, sandbox, 10_000)
      assert.equal(await exited, 7)
    } finally {
      await world.remove(sandbox)
    }
  })

  it('S36: leaves no process, mount, loop device, namespace, link, rule or cgroup', async () => {
    const before = traces(world)
    for (let i = 0; i < 5; i++) await world.run('echo hello')
    assert.deepEqual(traces(world), before)
  })
})

/** What a host could be left with. */
function traces(world: TestHost) {
  const run = (program: string, ...args: string[]) => execFileSync(program, args, { encoding: 'utf8' })
  const groups = ['/sys/fs/cgroup/memory', '/sys/fs/cgroup']
    .map((root) => `${root}/berth-${world.host.slot}/default/a-one`)
    .find(existsSync)
  return {
    mounts: readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .filter((line) => line.includes(world.host.folder)).length,
    loops: run('losetup', '-a')
      .split('\n')
      .filter((line) => line.includes(world.host.folder)).length,
    namespaces: run('ip', 'netns', 'list')
      .split('\n')
      .filter((line) => line.startsWith(`berth-${world.host.slot}-`)).length,
    links: run('ip', '-o', 'link')
      .split('\n')
      .filter((line) => line.includes(`bv${world.host.slot}-`)).length,
    elements: [...run('nft', 'list', 'set', 'inet', `berth_${world.host.slot}`, 'sources').matchAll(/bv\d+-/g)].length,
    groups: groups ? readdirSync(groups, { withFileTypes: true }).filter((entry) => entry.isDirectory()).length : 0,
    conmons: run('ps', '-eo', 'args')
      .split('\n')
      .filter((line) => line.startsWith('conmon') && line.includes(world.host.runFolder)).length,
  }
}
