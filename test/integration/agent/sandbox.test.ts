import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { isSandboxRunning, sampleSandbox, stopSandbox, waitForSandbox } from '../../../agent/sandbox/index.ts'
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

  it('S40: a fork bomb ends at the limit of processes', async () => {
    const { output } = await world.run(
      python(
        'import os,time\nn=0\ntry:\n  while True:\n    if os.fork()==0: time.sleep(20); os._exit(0)\n    n+=1\nexcept OSError as e: print(n, e.errno)\nos.kill(-1, 9)',
      ),
      { size: { pids: 40 } },
    )
    const [count, errno] = output.split(' ').map(Number)
    assert.ok((count ?? 99) < 40)
    assert.equal(errno, 11)
  })

  it('S41, S42: more memory than allowed ends it, and the counter says so', async () => {
    const sandbox = await world.start(python('x = bytearray(300*1024*1024)'), { size: { memoryMb: 64 } })
    try {
      assert.equal(await waitForSandbox(world.host, sandbox, AbortSignal.timeout(30_000)), 137)
      assert.ok(((await sampleSandbox(world.host, sandbox))?.oomKills ?? 0) > 0)
    } finally {
      await world.remove(sandbox)
    }
  })

  it('S43: writes at most its bytes and its inodes', async () => {
    const bytes = await world.run('dd if=/dev/zero of=/app/big bs=1M count=200; du -m /app/big | cut -f1', {
      size: { diskMb: 64 },
    })
    assert.match(bytes.output, /No space left on device/)
    assert.ok(Number(bytes.output.split('\n').at(-1)) <= 64)
    const inodes = await world.run(
      python(
        'n=0\ntry:\n  while n<200000:\n    open(f"/tmp/{n}","w").close(); n+=1\nexcept OSError as e: print(e.errno, n)',
      ),
      { size: { diskMb: 64 } },
    )
    assert.match(inodes.output, /^28 \d{4,5}$/)
  })

  it('S60: reaches no port of the host, on any of its addresses', async () => {
    const server = createServer((socket) => socket.end('reached'))
    await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve))
    try {
      const { port } = server.address() as AddressInfo
      const addresses = Object.values(networkInterfaces())
        .flat()
        .filter((entry) => entry?.family === 'IPv4')
        .map((entry) => entry?.address)
      const { output } = await world.run(
        python(
          `import socket\nfor a in ${JSON.stringify(addresses)}:\n  s=socket.socket(); s.settimeout(0.5)\n  try:\n    s.connect((a,${port})); print("REACHED", a)\n  except OSError as e: pass\nprint("end")`,
        ),
      )
      assert.equal(output, 'end')
    } finally {
      server.close()
    }
  })

  it('S61, S62: reaches no neighbour, no metadata service and no private network', async () => {
    const neighbour = await world.start('exec python3 -m http.server 5000')
    try {
      const address = `100.${64 + world.host.slot}.${neighbour.index >> 8}.${neighbour.index & 255}`
      const { output } = await world.run(
        python(
          `import socket\nfor a,p in (("${address}",5000),("169.254.169.254",80),("10.0.0.1",80),("192.168.0.1",80)):\n  s=socket.socket(); s.settimeout(0.5)\n  try:\n    s.connect((a,p)); print("REACHED", a)\n  except OSError as e: pass\nprint("end")`,
        ),
      )
      assert.equal(output, 'end')
    } finally {
      await world.remove(neighbour)
    }
  })

  it('S63: has no IPv6 address but loopback', async () => {
    const { output } = await world.run('cat /proc/net/if_inet6 | grep -v " lo$" | wc -l')
    assert.equal(output, '0')
  })

  it('S47: one that ignores SIGTERM is killed after its grace, with all that it started', async () => {
    const sandbox = await world.start(`trap "" TERM; (setsid sleep 300 &) ; sleep 300 & wait; sleep 300`)
    const began = Date.now()
    await stopSandbox(world.host, sandbox, 500)
    assert.ok(Date.now() - began < 5000)
    assert.equal(await isSandboxRunning(sandbox), false)
    await world.remove(sandbox)
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
