/** Every case of the security requirements over real sockets: in both lanes, cut everywhere, and with a request behind it. */
import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { requestCases, responseCases, type RequestCase, type ResponseCase } from '#test/fixtures/http-cases.ts'
import { normaliseHost } from '../../../router/table.ts'
import { anApp, httpApp, rawApp, startWorld, talk, type TestApp, type World } from './support.ts'

/** How many connections are busy at a time, each from an address of its own: by that the app knows whose request it sees. */
const WORKERS = 48
/**
 * Cuts lie so many bytes apart, shifted from case to case, because a connection for each takes its time; the grammars alone are
 * tested at every cut. `BERTH_TEST_CUTS=all` tries all of them here too.
 */
const [STEP, APP_STEP] = process.env['BERTH_TEST_CUTS'] === 'all' ? [1, 1] : [20, 4]
/** Generous: it only ends what would never end. */
const LATE_MS = 20_000
const NEXT = 'GET /next HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n'

type Seen = { method: string; target: string; host: string; body: string; fields: Record<string, unknown> }

const PLENTY = { 't-one': { requests: { perSecond: 1e6, burst: 1e6 } } }

/** What the grammar lets through and Node's parser does not: when the two readers of the slow lane differ, it is refused. */
const DISPUTED = 'transfer-encoding:chunked \\t'
const settled = requestCases.map((example): RequestCase =>
  example.title.includes(DISPUTED) ? { ...example, forwarded: [], then: 400 } : example,
)

describe('the bytes of a client, over sockets', function () {
  this.timeout(300_000)
  let world: World
  let app: TestApp
  const seen = new Map<string, Seen[]>()

  before(async () => {
    world = await startWorld({ lingerMs: 2_000, heldMs: 0 })
    app = await httpApp((request, response) => {
      let body = ''
      request.setEncoding('latin1')
      request.on('data', (piece: string) => (body += piece))
      request.on('end', () => {
        const { method = '', url = '', headers } = request
        const from = String(headers['x-forwarded-for'])
        seen.set(from, [
          ...(seen.get(from) ?? []),
          { method, target: url, host: String(headers.host), body, fields: headers },
        ])
        response.end('answered')
      })
      request.on('error', () => {})
    })
    const hosts = new Set(
      requestCases.flatMap(({ forwarded }) => forwarded.map(({ host }) => normaliseHost(host ?? 'app.test'))),
    )
    await world.route(
      [anApp('app', [app.endpoint], { addresses: [...hosts].map((host) => ({ host, path: '/' })) })],
      PLENTY,
    )
  })
  after(async () => {
    await world.stop()
    await app.stop()
  })

  it('have the same outcome in the fast lane wherever they are cut', () => checkAll(settled, STEP))

  it('have the same outcome in the slow lane', () => checkAll(settled.flatMap(inSlowLane), 2 * STEP))

  it('keep their bounds when many of them follow each other on one connection, in either lane', async () => {
    const odd = 'X-Name: caf\xe9\r\n'
    const post = (field: string, body: string) =>
      `POST /${body} HTTP/1.1\r\nHost: app.test\r\n${field}Content-Length: ${body.length}\r\n\r\n${body}`
    const messages = Array.from({ length: 12 }, (_, n) =>
      post(n % 3 === 1 ? '' : odd, n % 4 === 3 ? '' : `body-${n}-`.repeat(n + 1)),
    )
    // All at once, and cut in the middle of everything.
    for (const size of [Infinity, 7]) {
      seen.clear()
      const client = talk(world.port)
      const all = messages.join('') + `GET /last HTTP/1.1\r\nHost: app.test\r\n${odd}Connection: close\r\n\r\n`
      for (let at = 0; at < all.length; at += size) {
        client.send(all.slice(at, at + size))
        if (size !== Infinity) await new Promise((resolve) => setImmediate(resolve))
      }
      await client.end()
      const bodies = [...seen.values()].flat().map(({ method, body, target }) => `${method} ${target} ${body}`)
      assert.deepEqual(bodies, [
        ...messages.map((message) => message.split('\r\n\r\n')[1] ?? '').map((body) => `POST /${body} ${body}`),
        'GET /last ',
      ])
    }
  })

  async function checkAll(examples: readonly RequestCase[], step: number): Promise<void> {
    const runs = examples.flatMap((example, index) =>
      cutsOf(example.bytes, step, index).map((cut) => ({ example, cut })),
    )
    const wrong = await inParallel(runs, ({ example, cut }, address) => runOne(example, cut, address))
    assert.deepEqual(wrong.slice(0, 20), [], `${wrong.length} of ${runs.length}`)
  }

  /** @returns what is wrong, or null */
  async function runOne(example: RequestCase, cut: number, address: string): Promise<string | null> {
    seen.delete(address)
    const said = await converse(example, cut, address)
    try {
      assert.doesNotMatch(said, /NEVER ENDED/)
      checkSeen(example, seen.get(address) ?? [])
      if (typeof example.then === 'number')
        assert.equal(said.match(/HTTP\/1\.1 \d{3}(?![\s\S]*HTTP\/1\.1 \d{3})/)?.[0], `HTTP/1.1 ${example.then}`)
      return null
    } catch (error) {
      return `${example.id} ${example.title}, cut after ${cut}: ${String(error)} ${JSON.stringify(said.slice(0, 300))}`
    }
  }

  async function converse({ bytes, then }: RequestCase, cut: number, localAddress: string): Promise<string> {
    let said = ''
    const began = Date.now()
    const socket = connect({ port: world.port, host: '127.0.0.1', localAddress, noDelay: true })
    const closed = new Promise((resolve) => socket.once('close', resolve))
    const late = setTimeout(() => socket.destroy(new Error('late')), LATE_MS)
    socket.on('error', () => {}).on('data', (piece) => (said += piece.toString('latin1')))
    await new Promise((resolve) => socket.once('connect', resolve))
    const all = Buffer.from(then === 'waiting' ? bytes : bytes + NEXT, 'latin1')
    if (cut > 0) {
      await pass()
      socket.write(all.subarray(0, cut))
      await pass()
    }
    if (!socket.destroyed) socket.write(all.subarray(cut))
    if (then === 'waiting') {
      await pass()
      socket.destroy()
    }
    await closed
    clearTimeout(late)
    if (Date.now() > began + LATE_MS) said += 'NEVER ENDED'
    return said
  }

  function checkSeen({ forwarded, then, bytes }: RequestCase, got: Seen[]): void {
    // An upgrade that did not come about is the last on its connection (H63), as is a request of HTTP/1.0.
    const isLast = /\r\nUpgrade:/i.test(bytes) || / HTTP\/1\.0\r/.test(bytes)
    const wanted = forwarded.map(({ method, target, host = 'app.test', body = '' }) => [method, target, host, body])
    if (isLast) wanted.splice(1)
    else if (then === 'open') wanted.push(['GET', '/next', 'app.test', ''])
    assert.deepEqual(
      got.map(({ method, target, host, body }) => [method, target, host, body]),
      wanted,
    )
    forwarded.slice(0, wanted.length).forEach(({ fields = {} }, index) => {
      for (const [name, value] of Object.entries(fields))
        assert.equal(got[index]?.fields[name.toLowerCase()] ?? null, value, name)
    })
  }
})

describe('the bytes of an app, over sockets', function () {
  this.timeout(300_000)
  let world: World
  let app: TestApp

  before(async () => {
    world = await startWorld()
    app = await rawApp((socket) => {
      let heard = ''
      socket.on('data', (piece) => {
        heard += piece.toString('latin1')
        const [, index, cut] = /^[A-Z]+ \/(\d+)\/(\d+) [\s\S]*\r\n\r\n$/.exec(heard) ?? []
        if (index === undefined) return
        heard = ''
        void answer(socket, responseCases[Number(index)] as ResponseCase, Number(cut))
      })
    })
    await world.route([anApp('app', [app.endpoint])], PLENTY)
  })
  after(async () => {
    await world.stop()
    await app.stop()
  })

  async function answer(socket: Socket, { bytes, ends }: ResponseCase, cut: number): Promise<void> {
    const all = Buffer.from(bytes, 'latin1')
    if (cut > 0) {
      socket.write(all.subarray(0, cut))
      await pass()
    }
    if (!socket.destroyed) socket.write(all.subarray(cut))
    if (ends) socket.end()
  }

  it('have the same outcome wherever they are cut', async () => {
    const runs = responseCases.flatMap((example, index) =>
      example.required === 'waiting'
        ? [{ example, index, cut: 0 }]
        : cutsOf(example.bytes, APP_STEP, index).map((cut) => ({ example, index, cut })),
    )
    const wrong = await inParallel(runs, async ({ example, index, cut }, localAddress) => {
      const { said, reset } = await ask(example, `/${index}/${cut}`, localAddress)
      try {
        check(example, said, reset)
        return null
      } catch (error) {
        return `${example.id} ${example.title}, cut after ${cut}: ${String(error)} ${JSON.stringify(said.slice(0, 300))}`
      }
    })
    assert.deepEqual(wrong.slice(0, 20), [], `${wrong.length} of ${runs.length}`)
  })

  async function ask({ method, upgrade }: ResponseCase, target: string, localAddress: string) {
    let said = ''
    let reset = false
    const socket = connect({ port: world.port, host: '127.0.0.1', localAddress })
    const closed = new Promise((resolve) => socket.once('close', resolve))
    const late = setTimeout(() => socket.destroy(new Error('late')), LATE_MS)
    socket
      .on('error', () => (reset = true))
      .on('data', (piece) => {
        said += piece.toString('latin1')
        if (/^HTTP\/1\.1 101 /.test(said)) socket.end()
      })
    const asking = upgrade
      ? `Connection: Upgrade\r\nUpgrade: ${upgrade}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n`
      : 'Connection: close\r\n'
    socket.write(`${method ?? 'GET'} ${target} HTTP/1.1\r\nHost: app.test\r\n${asking}\r\n`)
    await closed
    clearTimeout(late)
    return { said, reset }
  }

  function check({ required }: ResponseCase, said: string, reset: boolean): void {
    const final = said.replace(/^(HTTP\/1\.1 1(?!01)\d\d [\s\S]*?\r\n\r\n)*/, '')
    if (required === 'bad-response') return assert.match(final, /^HTTP\/1\.1 502 /)
    if (required === 'cut') return assert.ok(reset, 'it was not reset')
    if (required === 'waiting') return assert.ok(reset || /^HTTP\/1\.1 504 /.test(final), 'it was not given up')
    const { status, fields = {}, body = '' } = required.passed
    assert.match(final, new RegExp(`^HTTP/1\\.1 ${status} `))
    const [head = '', ...rest] = final.split('\r\n\r\n')
    assert.equal(bodyOf(head, rest.join('\r\n\r\n')), body)
    for (const [name, value] of Object.entries(fields)) {
      const field = new RegExp(`\r\n${name}: ([^\r]*)`, value === null ? 'i' : '')
      assert.equal(field.exec(head)?.[1] ?? null, value, name)
    }
  }
})

function bodyOf(head: string, text: string): string {
  if (!/\r\nTransfer-Encoding: chunked/.test(head)) return text
  let body = ''
  for (let at = 0; at < text.length;) {
    const size = parseInt(text.slice(at), 16)
    const from = text.indexOf('\r\n', at) + 2
    body += text.slice(from, from + size)
    at = from + size + 2
  }
  return body
}

/** The same with a field that the fast lane does not know, where there is a head to put it in, and room. */
function inSlowLane(example: RequestCase): RequestCase[] {
  const line = /^[A-Z]+ \S+ HTTP\/1\.1\r\n(?!\r)/.exec(example.bytes)?.[0]
  if (line === undefined || example.bytes.length > 600) return []
  return [{ ...example, bytes: `${line}X-Other-Lane: caf\xe9\r\n${example.bytes.slice(line.length)}` }]
}

/** After how many bytes to cut; 0 is not at all. Long ones in fewer places. */
function cutsOf(bytes: string, step: number, from: number): number[] {
  const every = Math.max(step, Math.ceil(bytes.length / 150))
  const cuts = [0]
  for (let cut = 1 + (from % every); cut < bytes.length; cut += every) cuts.push(cut)
  return cuts
}

async function inParallel<T>(runs: T[], run: (one: T, address: string) => Promise<string | null>): Promise<string[]> {
  const wrong: string[] = []
  let next = 0
  const work = async (worker: number) => {
    for (let one = runs[next++]; one !== undefined; one = runs[next++]) {
      const problem = await run(one, `127.0.1.${worker + 1}`)
      if (problem) wrong.push(problem)
    }
  }
  await Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(worker)))
  return wrong
}

/** Lets the router, which shares this process, read what is there. */
async function pass(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}
