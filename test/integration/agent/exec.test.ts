import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { APP_UID } from '#core/domain/app.ts'
import { startTestHost, uidBaseOf, type TestHost } from '#test/helpers/sandboxes.ts'
import { createForwards } from '../../../agent/forward/index.ts'
import { execInSandbox, namespaceOf, type SandboxHandle } from '../../../agent/sandbox/index.ts'
import type { ExecRequest } from '../../../agent/sandbox/exec.ts'
import { openStreams } from '../../../agent/sandbox/streams.ts'

describe('A command inside a sandbox that runs', function () {
  this.timeout(120_000)
  let world: TestHost
  let sandbox: SandboxHandle
  let next = 0
  before(async () => {
    world = await startTestHost()
    sandbox = await world.start('exec sleep 1000', { env: { GREETING: 'hello' }, size: { pids: 40 } })
  })
  after(() => world?.stop())

  async function begin(command: string, more: Partial<ExecRequest> = {}) {
    const request: ExecRequest = { id: `x-${++next}`, command, streams: 'pipes', window: null, env: {}, ...more }
    const streams = await openStreams(request.streams, world.host.runFolder, uidBaseOf('a-one') + APP_UID)
    const inside = await execInSandbox(world.host, sandbox, request, streams)
    return { inside, streams }
  }
  async function run(command: string, more: Partial<ExecRequest> & { input?: string } = {}) {
    const { inside, streams } = await begin(command, more)
    if (more.streams !== 'terminal') streams.input.end(more.input ?? '')
    const [output = '', errors = ''] = await Promise.all(streams.outputs.map((one: Socket) => text(one)))
    return { code: await inside.exited, output, errors }
  }
  const pidsIn = async (pattern: string) => (await run(`pgrep -c -f '${pattern}' || true`)).output.trim()

  it('S01: has the rights of the sandbox’s own first process, and no more', async () => {
    const own = await readFile(`/proc/${sandbox.pid}/status`, 'utf8')
    const { output } = await run('cat /proc/self/status')
    const facts = (status: string) =>
      status.split('\n').filter((line) => /^(Cap...|NoNewPrivs|Seccomp|Seccomp_filters|Groups):/.test(line))
    assert.deepEqual(facts(output), facts(own))
    assert.match(output, /^NoNewPrivs:\t1$/m)
    assert.match(output, /^Seccomp:\t2$/m)
    assert.match(output, /^CapBnd:\t0000000000000000$/m)
    assert.match(output, /^Uid:\t1000\t1000\t1000\t1000$/m)
  })

  it('S01: is in the same namespaces and the same cgroup, and sees the same processes and files', async () => {
    const names = ['user', 'pid', 'mnt', 'ipc', 'uts', 'net', 'cgroup']
    const links = (pid: string) => names.map((name) => `$(readlink /proc/${pid}/ns/${name})`).join(' ')
    const { output } = await run(
      `echo "${links('1')}"; echo "${links('self')}"; cat /proc/1/cgroup > /tmp/a; cat /proc/self/cgroup > /tmp/b; cmp /tmp/a /tmp/b && echo same`,
    )
    const [first, own, same] = output.trim().split('\n')
    assert.equal(first, own)
    assert.equal(same, 'same')
    assert.match((await run('echo $GREETING; cat /proc/1/cmdline | tr "\\0" " "')).output, /^hello\n.*tini/)
  })

  it('is refused what the sandbox is refused: system calls and resource limits', async () => {
    const limits = (status: string) =>
      status
        .split('\n')
        .slice(1)
        .map((line) => line.trim())
    const own = limits(await readFile(`/proc/${sandbox.pid}/limits`, 'utf8'))
    assert.deepEqual(limits((await run('cat /proc/self/limits')).output), own)
    assert.notEqual((await run('unshare -U true')).code, 0)
    assert.notEqual((await run('mount -t tmpfs none /tmp')).code, 0)
  })

  it('counts in the sandbox’s limits: its processes together are no more than they may be', async () => {
    const whole = sandbox
    sandbox = await world.start('exec sleep 1000', { size: { pids: 20 } })
    // The shell itself cannot start another process then, and says so.
    const { output, errors } = await run('for i in $(seq 60); do sleep 20 > /dev/null 2>&1 & done')
    await world.remove(sandbox)
    sandbox = whole
    assert.match(output + errors, /fork|Resource temporarily unavailable/i)
  })

  it('passes bytes both ways, tells output and errors apart, and ends with the command’s code', async () => {
    assert.deepEqual(await run('cat; echo oops >&2; exit 7', { input: 'in' }), {
      code: 7,
      output: 'in',
      errors: 'oops\n',
    })
  })

  it('has a terminal where one is asked for, of the size that is asked for', async () => {
    const { output } = await run('stty size; tty; echo $TERM', {
      streams: 'terminal',
      window: { rows: 33, columns: 99 },
      env: { TERM: 'xterm-test' },
    })
    assert.match(output, /33 99\r\n\/dev\/pts\/\d+\r\nxterm-test/)
  })

  it('is ended with all that it started, also what ignores to be asked, and the sandbox goes on', async () => {
    const { inside, streams } = await begin(`trap '' TERM HUP; setsid sh -c "trap '' TERM HUP; sleep 777" & sleep 777`)
    streams.outputs.forEach((one) => one.resume())
    while ((await pidsIn('sleep 777')) === '0') await new Promise((resolve) => setTimeout(resolve, 50))
    await inside.end()
    assert.notEqual(await inside.exited, 0)
    assert.equal(await pidsIn('^sleep 777'), '0')
    assert.match((await run('cat /proc/1/cmdline | tr "\\0" " "')).output, /tini/)
  })

  it('is not begun in a sandbox that has ended', async () => {
    const other = await world.start('exec sleep 1000')
    await world.remove(other)
    const streams = await openStreams('pipes', world.host.runFolder, 1)
    const request = { id: 'x-late', command: 'true', streams: 'pipes' as const, window: null, env: {} }
    await assert.rejects(execInSandbox(world.host, other, request, streams))
    streams.close()
  })

  describe('a connection to one of its ports', () => {
    const forwards = createForwards()
    after(() => forwards.stop())
    const connect = (port: number) => forwards.connect('i-x 1', namespaceOf(world.host, sandbox), port)
    const server = `exec python3 -c 'import socket
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("127.0.0.1", 7070)); s.listen()
print("listening", flush=True)
while True:
    c, _ = s.accept(); c.sendall(b"banner "); c.sendall(c.recv(100)); c.close()'`

    it('reaches what listens on its loopback alone, several times, from the first byte that the other side says', async () => {
      const { inside, streams } = await begin(server)
      await new Promise((resolve) => streams.outputs[0]?.once('data', resolve))
      for (const word of ['one', 'two']) {
        const socket = await connect(7070)
        assert.ok(socket)
        socket.write(word)
        assert.equal(await text(socket), `banner ${word}`)
      }
      await inside.end()
    })

    it('is not made where nothing listens, nor to what listens on the host', async () => {
      assert.equal(await connect(7999), null)
      const { createServer } = await import('node:net')
      const onHost = createServer().listen(0, '127.0.0.1')
      await new Promise((resolve) => onHost.once('listening', resolve))
      const { port } = onHost.address() as { port: number }
      assert.equal(await connect(port), null)
      onHost.close()
    })
  })
})
