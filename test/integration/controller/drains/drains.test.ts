import assert from 'node:assert/strict'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { DrainView } from '#core/contract/drains.ts'
import type { AppId } from '#core/domain/ids.ts'
import { readNetwork, type Network } from '#core/domain/network.ts'
import { silentLog } from '#core/runtime/log.ts'
import { loadApps } from '#core/store/apps.ts'
import { appendLogs, limitLog } from '#core/store/logs.ts'
import { startApi, type TestApi } from '#test/helpers/api.ts'
import { makeCertificate, makeRoot, type Authority } from '#test/helpers/certificates.ts'
import { startDns, type TestDns } from '#test/helpers/dns.ts'
import { startReceiver, type Receiver } from '#test/helpers/receiver.ts'
import { watchDrains } from '../../../../controller/drains/loop.ts'
import { createOutbound } from '../../../../controller/outbound/index.ts'
import { createResolveName } from '../../../../controller/outbound/resolve.ts'

type Collector = { port: number; messages: string[]; sockets: Socket[]; stop(): Promise<void> }

/** A syslog collector that counts octets, as RFC 6587 §3.4.1 has it. */
async function startCollector(pair: Authority | null): Promise<Collector> {
  const messages: string[] = []
  const sockets: Socket[] = []
  const take = (socket: Socket) => {
    sockets.push(socket)
    let rest = Buffer.alloc(0)
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      for (let space = rest.indexOf(0x20); space > 0; space = rest.indexOf(0x20)) {
        const length = Number(rest.toString('latin1', 0, space))
        if (rest.length < space + 1 + length) return
        messages.push(rest.toString('utf8', space + 1, space + 1 + length))
        rest = rest.subarray(space + 1 + length)
      }
    })
  }
  const server = pair ? createTlsServer({ cert: pair.chain, key: pair.key }, take) : createServer(take)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    messages,
    sockets,
    stop: () => {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => void server.close(() => resolve()))
    },
  }
}

describe('drains', function () {
  this.timeout(120_000)
  let api: TestApi
  let dns: TestDns
  let root: Authority
  let member: string
  let plain: Collector
  let secure: Collector
  let web: Receiver
  let app: AppId
  let other: AppId
  const loopback = readNetwork('127.0.0.1') as Network
  let leading: { leave: AbortController; done: Promise<void> }[] = []

  before(async () => {
    ;[api, dns, root] = await Promise.all([startApi(), startDns(), makeRoot()])
    dns.addresses.set('logs.example.test', [['127.0.0.1']])
    dns.addresses.set('inside.example.test', [['10.0.0.1']])
    member = await api.member('alpha')
    const pair = await makeCertificate('logs', { names: ['logs.example.test'], by: root })
    plain = await startCollector(null)
    secure = await startCollector(pair)
    web = await startReceiver(pair)
    await api.call(member, 'POST', '/v1/apps', { name: 'shop' })
    await api.call(member, 'POST', '/v1/apps', { name: 'blog' })
    const apps = await loadApps(api.context.store)
    const idOf = (name: string) => apps.find((one) => one.name === name)?.id ?? ('' as AppId)
    app = idOf('shop')
    other = idOf('blog')
  })
  after(async () => {
    await Promise.all([plain?.stop(), secure?.stop(), web?.stop(), dns?.stop(), api?.stop()])
  })
  afterEach(async () => {
    await stopLeading()
    for (const path of ['/v1/apps/shop/drains', '/v1/drains'])
      for (const { id } of await drains(path)) await api.call(api.operator, 'DELETE', `${path}/${id}`)
    plain.messages.length = secure.messages.length = web.received.length = 0
    web.answer = (_request, res) => void res.writeHead(204).end()
    await limitLog(api.context.store, app, 1024 ** 2)
  })

  function lead(): void {
    const leave = new AbortController()
    const context = {
      store: api.context.store,
      log: silentLog,
      sealer: api.context.sealer,
      outbound: createOutbound({
        policy: () => ({ named: [loopback], own: [] }),
        resolve: createResolveName([dns.address]),
        ca: root.cert,
      }),
      ca: root.cert,
      now: () => Date.now(),
      chance: () => 0,
    }
    leading.push({ leave, done: watchDrains(context, leave.signal) })
  }
  async function stopLeading(): Promise<void> {
    for (const { leave } of leading) leave.abort()
    await Promise.all(leading.map(({ done }) => done))
    leading = []
  }
  const add = async (url: string, path = '/v1/apps/shop/drains', more: object = {}) => {
    const { status, body } = await api.call(path === '/v1/drains' ? api.operator : member, 'POST', path, {
      url,
      ...more,
    })
    assert.equal(status, 201, JSON.stringify(body))
    return body as DrainView
  }
  const drains = async (path = '/v1/apps/shop/drains'): Promise<DrainView[]> =>
    ((await api.call(api.operator, 'GET', path)).body as { drains: DrainView[] }).drains
  const print = (text: string, id = app) =>
    appendLogs(api.context.store, id, [{ at: '2026-01-01T00:00:00Z', source: 'app', ps: 'web.1', line: text }])
  const until = async (what: string, there: () => boolean | Promise<boolean>) => {
    for (let tries = 0; !(await there()); tries++) {
      assert.ok(tries < 1500, `waited in vain for ${what}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  /** Until a drain has noted where it begins: what is printed then is its. */
  const begun = () =>
    until('the beginning', async () => (await api.context.store.keys('berth:drain:*:positions')).length > 0)
  const texts = (collector: Collector) => collector.messages.map((message) => message.split(' - - ')[1])

  it('sends lines over TCP as syslog messages, in their order, each once', async () => {
    await add(`syslog://logs.example.test:${plain.port}`)
    lead()
    await begun()
    for (let n = 0; n < 700; n++) await print(`line ${n}`)
    await until('the last line', () => texts(plain).includes('line 699'))
    const printed = texts(plain).filter((text) => text?.startsWith('line'))
    assert.deepEqual(
      printed,
      Array.from({ length: 700 }, (_, n) => `line ${n}`),
    )
    assert.match(
      plain.messages.find((message) => message.endsWith('line 0')) ?? '',
      /^<134>1 \S+ shop app web\.1 - - line 0$/,
    )
    await until('the figures', async () => ((await drains())[0]?.sent ?? 0) >= 700)
    assert.deepEqual([(await drains())[0]?.dropped, (await drains())[0]?.failure], [0, null])
  })

  it('sends lines over TLS to whom the certificate names, and connects again when the collector has gone', async () => {
    await add(`syslog+tls://logs.example.test:${secure.port}`)
    lead()
    await begun()
    await print('first')
    await until('the first line', () => texts(secure).includes('first'))
    for (const socket of secure.sockets.splice(0)) socket.end()
    await new Promise((resolve) => setTimeout(resolve, 200))
    await print('second')
    await until('the second line', () => texts(secure).includes('second'))
  })

  it('does not speak to a collector whose certificate is for another name, and says so', async () => {
    dns.addresses.set('others.example.test', [['127.0.0.1']])
    await add(`syslog+tls://others.example.test:${secure.port}`)
    lead()
    await begun()
    await print('secret')
    await until('the failure', async () => (await drains())[0]?.failure !== null)
    assert.match((await drains())[0]?.failure ?? '', /certificate of others\.example\.test is not valid for it/)
    assert.deepEqual(secure.messages, [])
  })

  it('sends batches over HTTPS with the token, and tries again until they are taken', async () => {
    let refusals = 2
    web.answer = (_request, res) => void res.writeHead(refusals-- > 0 ? 503 : 200).end()
    await add(`https://logs.example.test:${web.port}/in/s3cr3t`, '/v1/apps/shop/drains', { token: 't0ken' })
    lead()
    await begun()
    await print('hello')
    await until('an answer', () => web.received.length >= 3)
    const [, , taken] = web.received
    assert.deepEqual([taken?.url, taken?.headers.authorization], ['/in/s3cr3t', 'Bearer t0ken'])
    const last = JSON.parse(taken?.body.trim().split('\n').at(-1) ?? '') as Record<string, string>
    assert.deepEqual([last['app'], last['source'], last['ps'], last['line']], ['shop', 'app', 'web.1', 'hello'])
    const shown = JSON.stringify(await drains())
    assert.doesNotMatch(shown, /s3cr3t|t0ken/)
    const stored = JSON.stringify(await api.context.store.hgetall('berth:drains'))
    assert.doesNotMatch(stored, /s3cr3t|t0ken/, 'C14: nor does it lie readable in the store')
  })

  it('drops a batch that is refused for what it is, counts it, and goes on', async () => {
    web.answer = ({ body }, res) => void res.writeHead(body.includes('poison') ? 413 : 200).end()
    await add(`https://logs.example.test:${web.port}/`)
    lead()
    await begun()
    await print('poison')
    await until('the count', async () => ((await drains())[0]?.dropped ?? 0) >= 1)
    await print('after')
    await until('the next batch', () => web.received.some(({ body }) => body.includes('after')))
  })

  it('holds up no other drain when one takes nothing', async () => {
    const silent = await startCollector(null)
    await silent.stop()
    await add(`syslog://logs.example.test:${silent.port}`)
    await add(`syslog://inside.example.test:514`)
    await add(`syslog://logs.example.test:${plain.port}`)
    lead()
    await until('three beginnings', async () => (await api.context.store.keys('berth:drain:*:positions')).length === 3)
    await print('through')
    await until('the line', () => texts(plain).includes('through'))
    await until('the failures', async () => (await drains()).filter(({ failure }) => failure !== null).length === 2)
    const [first, second] = await drains()
    assert.match(first?.failure ?? '', /refused the connection/)
    assert.match(second?.failure ?? '', /C12|public Internet/)
  })

  it('goes on where another leader stopped, and tells both ends what was cut from the log meanwhile', async () => {
    await add(`syslog://logs.example.test:${plain.port}`)
    lead()
    await begun()
    await print('before')
    await until('the line', () => texts(plain).includes('before'))
    await until('its note', async () => ((await drains())[0]?.sent ?? 0) > 0)
    await stopLeading()
    await limitLog(api.context.store, app, 4000)
    for (let n = 0; n < 200; n++) await print(`meanwhile ${n}`)
    lead()
    await until('the last line', () => texts(plain).includes('meanwhile 199'))
    assert.equal(texts(plain).filter((text) => text === 'before').length, 1)
    const kept = texts(plain).filter((text) => text?.startsWith('meanwhile')).length
    await until('the count', async () => ((await drains())[0]?.dropped ?? 0) > 0)
    const { dropped = 0 } = (await drains())[0] ?? {}
    assert.equal(kept + dropped, 200)
    const told = `${dropped} lines dropped: the log was cut to its limit before the drain took them.`
    assert.ok(texts(plain).includes(told))
    await until('the word in the log', () =>
      texts(plain).some((text) => text?.startsWith('Drain n-') && text.endsWith(told)),
    )
  })

  it('carries the logs of all apps where an operator says so', async () => {
    await add(`syslog://logs.example.test:${plain.port}`, '/v1/drains')
    lead()
    await until('both beginnings', async () => {
      const [key] = await api.context.store.keys('berth:drain:*:positions')
      return key !== undefined && (await api.context.store.hlen(key)) === 2
    })
    await print('of shop')
    await print('of blog', other)
    await until('both lines', () => texts(plain).includes('of shop') && texts(plain).includes('of blog'))
    assert.match(plain.messages.find((message) => message.endsWith('of blog')) ?? '', / blog app web\.1 /)
  })

  it('C02 C03 is for members: others see no drain and add none, and nobody adds more than a few', async () => {
    const stranger = await api.member('beta')
    const url = `syslog://logs.example.test:${plain.port}`
    assert.equal((await api.call(stranger, 'GET', '/v1/apps/shop/drains')).status, 404)
    assert.equal((await api.call(stranger, 'POST', '/v1/apps/shop/drains', { url })).status, 404)
    assert.equal((await api.call(member, 'POST', '/v1/drains', { url })).status, 403)
    for (let n = 0; n < 5; n++) await add(url)
    const sixth = await api.call(member, 'POST', '/v1/apps/shop/drains', { url })
    assert.deepEqual([sixth.status, sixth.body.code], [400, 'BAD_REQUEST'])
    assert.equal((await api.call(member, 'POST', '/v1/apps/shop/drains', { url: 'ftp://x' })).status, 400)
    assert.equal((await api.call(member, 'POST', '/v1/apps/shop/drains', { url, token: 'x' })).status, 400)
  })
})
