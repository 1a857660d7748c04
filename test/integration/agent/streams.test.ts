import assert from 'node:assert/strict'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { APP_UID } from '#core/domain/app.ts'
import { startTestHost, uidBaseOf, type TestHost } from '#test/helpers/sandboxes.ts'
import { waitFor } from '#test/helpers/world.ts'
import { waitForSandbox, type SandboxHandle } from '../../../agent/sandbox/index.ts'
import { commandLine } from '../../../agent/sandbox/process.ts'
import { openStreams, type Streams } from '../../../agent/sandbox/streams.ts'

describe('the streams of a process that somebody is attached to', function () {
  this.timeout(60_000)
  let host: TestHost
  const open: { sandbox: SandboxHandle; streams: Streams }[] = []
  before(async () => {
    host = await startTestHost()
  })
  afterEach(async () => {
    for (const { sandbox, streams } of open.splice(0)) {
      streams.close()
      await host.remove(sandbox)
    }
  })
  after(() => host?.stop())

  async function start(kind: 'pipes' | 'terminal', command: string) {
    const streams = await openStreams(kind, host.host.runFolder, uidBaseOf('a-one') + APP_UID)
    const argv = commandLine(command, kind, { rows: 33, columns: 77 })
    const sandbox = await host.start(command, { streams, argv })
    open.push({ sandbox, streams })
    const [first, second] = streams.outputs.map((output) => text(output))
    const code = () => waitForSandbox(host.host, sandbox, AbortSignal.timeout(30_000))
    return { sandbox, streams, first: first ?? Promise.resolve(''), second: second ?? Promise.resolve(''), code }
  }

  it('standard output and error come apart, and the exit code is that of the command', async () => {
    const { first, second, code } = await start('pipes', 'echo out; echo err >&2; exit 7')
    assert.equal(await code(), 7)
    assert.deepEqual([await first, await second], ['out\n', 'err\n'])
  })

  it('what is written comes out as it went in, to the last byte and the end of the input', async () => {
    const { streams, first, code } = await start('pipes', 'sha256sum; wc -c < /dev/null')
    // More than a pipe holds.
    const data = Buffer.alloc(3_000_000, 'x\0é')
    streams.input.end(data)
    const { createHash } = await import('node:crypto')
    assert.equal(await first, `${createHash('sha256').update(data).digest('hex')}  -\n0\n`)
    assert.equal(await code(), 0)
  })

  it('programs that open /dev/stdout anew may', async () => {
    const { first, code } = await start('pipes', 'echo anew > /dev/stdout')
    assert.equal(await code(), 0)
    assert.equal(await first, 'anew\n')
  })

  it('a process that nobody reads waits, and nothing of it is lost', async () => {
    const { streams, first, code } = await start('pipes', 'head -c 1000000 /dev/zero | tr "\\0" a')
    streams.outputs[0]?.pause()
    await new Promise((resolve) => setTimeout(resolve, 500))
    streams.outputs[0]?.resume()
    assert.equal((await first).length, 1_000_000)
    assert.equal(await code(), 0)
  })

  it('its descriptors are three pipes and no socket', async () => {
    const { first } = await start('pipes', 'exec ls -l /proc/self/fd')
    const lines = (await first).split('\n').filter((line) => line.includes('->'))
    assert.ok(!lines.some((line) => line.includes('socket:')), lines.join('\n'))
    assert.deepEqual(
      lines.map((line) => line.replace(/^.* (\d+ -> \S+).*$/, '$1').replace(/ -> .*/, '')),
      ['0', '1', '2', '3'],
    )
  })

  it('a terminal is one: a size that changes, and Ctrl-C that interrupts what runs in front', async () => {
    const { streams, first, code } = await start(
      'terminal',
      "stty size; trap 'echo changed; stty size' WINCH; read a; sleep 600; echo code $?",
    )
    let shown = ''
    streams.outputs[0]?.on('data', (chunk: Buffer) => (shown += chunk.toString()))
    const sees = (what: string) => waitFor(() => shown.includes(what), { timeoutMs: 20_000, what, detail: () => shown })
    await sees('33 77')
    streams.sizes?.write('40 100\n')
    await sees('40 100')
    streams.input.write('\r')
    await new Promise((resolve) => setTimeout(resolve, 500))
    streams.input.write('\x03')
    assert.equal(await code(), 130)
    assert.ok((await first).includes('^C'), shown)
  })

  it('a terminal’s command has its exit code, or 128 and the signal', async () => {
    assert.equal(await (await start('terminal', 'exit 9')).code(), 9)
    assert.equal(await (await start('terminal', 'kill -KILL $$')).code(), 137)
  })

  it('a terminal whose watcher is gone hangs up', async () => {
    const { streams, code, first } = await start('terminal', 'echo there; sleep 600')
    // Only a shell that has begun can say something before it is hung up on.
    const [output] = streams.outputs
    assert.ok(output)
    await once(output, 'data')
    streams.input.end()
    assert.ok([129, 143].includes((await code()) ?? -1))
    assert.match(await first, /there/)
  })
})
