import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
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

  it('S01: runs as an unprivileged user without capabilities, with no_new_privs and seccomp', async () => {
    const { output } = await world.run('id -u; grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/self/status')
    assert.match(output, /^1000$/m)
    for (const set of ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb'])
      assert.match(output, new RegExp(`Cap${set}:\\s+0000000000000000`))
    assert.match(output, /NoNewPrivs:\s+1/)
    assert.match(output, /Seccomp:\s+2/)
  })

  it('S02: shares no namespace with the host or a neighbour', async () => {
    const kinds = ['user', 'pid', 'mnt', 'net', 'ipc', 'uts', 'cgroup']
    // The kernel gives a namespace's number to another one after its end, so all three must be there at once.
    const list = `for n in ${kinds.join(' ')}; do readlink /proc/self/ns/$n; done`
    const neighbour = await world.start(`${list}; sleep 30`)
    try {
      const one = await world.run(list)
      const two = await world.output(neighbour)
      const own = kinds.map((kind) => execFileSync('readlink', [`/proc/self/ns/${kind}`], { encoding: 'utf8' }).trim())
      assert.equal(new Set([...one.output.split('\n'), ...two.split('\n'), ...own]).size, 21)
    } finally {
      await world.remove(neighbour)
    }
  })

  it('S03: maps only its app’s own range of host user ids', async () => {
    const [one, two] = [
      await world.run('cat /proc/self/uid_map', { app: 'a-one' }),
      await world.run('cat /proc/self/uid_map', { app: 'a-two' }),
    ]
    const base = (text: string) => Number(text.trim().split(/\s+/)[1])
    assert.ok(base(one.output) > 0)
    assert.ok(Math.abs(base(one.output) - base(two.output)) >= 2048)
  })

  it('S04: sees only its own processes', async () => {
    const { output } = await world.run('ls /proc | grep -E "^[0-9]+$" | wc -l')
    assert.ok(Number(output) <= 6, output)
  })

  it('S08, S09: is refused mounts, namespaces, kernel modules and keys', async () => {
    const { output } = await world.run(
      'for c in "mount -t tmpfs x /mnt" "unshare -r true" "unshare -n true" "/usr/sbin/chroot / true"; do $c && echo GOT $c; done; echo done',
    )
    assert.match(output, /done/)
    assert.doesNotMatch(output, /GOT/)
    assert.ok([...output.matchAll(/not permitted|denied|must be superuser/gi)].length >= 4, output)
  })

  it('S10: is told that the kernel has no io_uring', async () => {
    const { output } = await world.run(
      python('import ctypes,os; l=ctypes.CDLL(None,use_errno=True); print(l.syscall(425,8,0), ctypes.get_errno())'),
    )
    assert.equal(output, '-1 38')
  })

  it('S11, S13: opens sockets of the allowed families only, and none raw', async () => {
    const { output } = await world.run(
      python(
        'import socket\nfor f in range(46):\n  try:\n    socket.socket(f, socket.SOCK_DGRAM if f==16 else socket.SOCK_STREAM, 0); print("open", f)\n  except OSError as e: pass\ntry:\n  socket.socket(2,3,1); print("raw")\nexcept OSError as e: print("errno", e.errno)',
      ),
    )
    assert.deepEqual(output.split('\n').sort(), ['errno 1', 'open 1', 'open 10', 'open 16', 'open 2'])
  })

  it('S14: cannot make devices and finds none but the harmless', async () => {
    const { output } = await world.run('mknod /tmp/sda b 8 0; ls /dev')
    assert.match(output, /not permitted/)
    for (const device of ['kmsg', 'mem', 'kvm', 'fuse', 'loop0', 'net'])
      assert.doesNotMatch(output, new RegExp(`^${device}$`, 'm'))
  })

  it('leaves the host’s /dev/null to root, with its permissions', async () => {
    await world.run('chmod 000 /dev/null; chown 0 /dev/null; cat')
    const { uid, mode } = statSync('/dev/null')
    assert.equal(uid, 0)
    assert.equal(mode & 0o777, 0o666)
  })

  it('S20, S21: finds the host’s secrets in /proc masked and its settings read-only', async () => {
    const { output } = await world.run(
      'cat /proc/kcore /proc/keys /proc/kallsyms /proc/timer_list 2>/dev/null | wc -c; ls /sys | wc -l; (echo 1 > /proc/sys/kernel/panic) 2>/dev/null || echo refused',
    )
    assert.deepEqual(output.split('\n'), ['0', '0', 'refused'])
  })

  it('S25, S27: cannot write the stack image, which is not the host’s /usr', async () => {
    const { output } = await world.run('touch /usr/x /etc/x /x; stat -c %d /usr/bin/env; echo end')
    assert.equal([...output.matchAll(/Read-only file system/g)].length, 3)
    assert.doesNotMatch(output, new RegExp(`^${statSync('/usr/bin/env').dev}$`, 'm'))
  })

  it('S26, S28: finds no host file: no shadow, no agent’s folder, no sockets', async () => {
    const { output } = await world.run(
      `ls /etc/shadow /etc/ssh /run/berth ${world.host.runFolder} /var/lib/berth /work 2>/dev/null; echo end`,
    )
    assert.equal(output, 'end')
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

  it('S34: its environment is on tmpfs, for root only, and in no argument', async () => {
    const sandbox = await world.start('exec sleep 30', { env: { SECRET: 'canary-7f3a' } })
    try {
      const argv = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
      assert.ok(!argv.includes('canary-7f3a'))
      const bundle = `${world.host.runFolder}/bundles/${sandbox.id}/config.json`
      assert.equal(statSync(bundle).mode & 0o777, 0o600)
      assert.match(execFileSync('stat', ['-f', '-c', '%T', bundle], { encoding: 'utf8' }), /tmpfs/)
    } finally {
      await world.remove(sandbox)
    }
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
