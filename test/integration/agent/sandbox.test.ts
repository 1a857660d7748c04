import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
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
})
