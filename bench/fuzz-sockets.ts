/**
 * Bytes that no client should send, for as long as one likes, to a router that runs: it must not crash, hang or grow, must answer a
 * well-behaved client all the while, and the app behind it must see nothing but requests that the router itself wrote.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { sleep } from '#core/runtime/clock.ts'
import type { Options } from './options.ts'
import { anApp, startBerth, type Berth } from './proxies/berth.ts'
import { corpus, mutate, randomFrom, type Random } from './proxies/mutations.ts'
import { residentKb } from './proxies/idle.ts'
import { printTable } from './table.ts'

const CLIENTS = 64
const CANARY_EVERY_MS = 100
const CANARY_WITHIN_MS = 10_000
/** How long an answer is waited for, and what may follow it. */
const PATIENCE_MS = 250
const LINGER_MS = 10
const REPORT_EVERY_MS = 30_000
/** Beyond what it has after the first half minute. */
const MAX_GROWTH_KB = 150 * 1024

export async function fuzzSockets({ minutes }: Options): Promise<void> {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  console.log(`Seed ${seed} (the environment's SEED repeats it), ${minutes} min`)
  const faults: string[] = []
  const app = await startApp(faults)
  const berth = await startBerth()
  await berth.route([anApp('fuzz', app.port), anApp('canary', app.port)])
  const worker = await berth.worker()
  const counts = { sent: 0, answered: 0, canaries: 0 }
  const ends = Date.now() + minutes * 60_000
  const isOver = () => Date.now() > ends || faults.length > 0
  const random = randomFrom(seed)
  try {
    await Promise.all([
      ...Array.from({ length: CLIENTS }, () => attack(berth, random, counts, isOver)),
      watchCanary(berth, counts, faults, isOver),
      watchMemory(worker, faults, isOver, () =>
        console.log(`${app.seen()} requests at the app, ${JSON.stringify(counts)}`),
      ),
    ])
    if ((await berth.worker()) !== worker) faults.push(`the router's process ended: ${berth.output().slice(-2000)}`)
    if (/request failed in the router|uncaught/i.test(berth.output()))
      faults.push(`it said: ${berth.output().slice(-2000)}`)
    printTable(
      ['sent', 'answered', 'seen by the app', 'canaries', 'faults'],
      [[counts.sent, counts.answered, app.seen(), counts.canaries, faults.length]],
    )
    for (const fault of faults) console.log(`fault: ${fault}`)
    if (faults.length > 0) process.exitCode = 1
  } finally {
    await berth.stop()
    app.stop()
  }
  if (faults.length > 0) throw new Error(`The router did not stand it; seed ${seed}.`)
}

/** Node's own parser says whether what the router writes is well formed, and a request that the router did not write has no id of its own. */
async function startApp(faults: string[]): Promise<{ port: number; seen(): number; stop(): void }> {
  const ids = new Set<string>()
  let seen = 0
  const server = createServer({ requireHostHeader: true }, (request, response) => {
    seen += 1
    const fault = faultOf(request, ids)
    if (fault) faults.push(`${fault}: ${request.method} ${request.url} ${JSON.stringify(request.rawHeaders)}`)
    request.resume()
    request.on('end', () => response.end('seen\n'))
  })
  server.on('clientError', (error: Error & { code?: string; rawPacket?: Buffer }, socket) => {
    if (error.code?.startsWith('HPE_') && error.code !== 'HPE_INVALID_EOF_STATE')
      faults.push(
        `the app could not read what the router wrote: ${error.code} ${JSON.stringify(error.rawPacket?.toString('latin1').slice(0, 1000))}`,
      )
    socket.destroy()
  })
  server.keepAliveTimeout = 3_600_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    seen: () => seen,
    stop() {
      server.close()
      server.closeAllConnections()
    },
  }
}

function faultOf({ headersDistinct, method = '', url = '' }: IncomingMessage, ids: Set<string>): string | null {
  const once = (name: string): string | null => {
    const values = headersDistinct[name] ?? []
    return values.length === 1 ? (values[0] ?? null) : null
  }
  const id = once('x-request-id')
  if (id === null || once('x-forwarded-for') === null) return 'a request that the router did not write'
  if (ids.has(id)) return 'a request that came twice'
  ids.add(id)
  if (ids.size > 100_000) ids.clear()
  if (!/^[a-z0-9.-]*(fuzz|canary)\.localhost\.?(:\d*)?$/i.test(once('host') ?? '')) return "another app's request"
  if (!/^[A-Z]+$/.test(method) || !/^[/*]/.test(url)) return 'a request line that must not pass'
  return null
}

async function attack(
  berth: Berth,
  random: Random,
  counts: { sent: number; answered: number },
  isOver: () => boolean,
): Promise<void> {
  while (!isOver()) {
    const bytes = mutate(corpus[Math.floor(random() * corpus.length)] ?? '', random)
    counts.sent += 1
    if (await say(berth.port, bytes, random)) counts.answered += 1
  }
}

/** Says it in up to three pieces. @returns whether anything came back */
function say(port: number, bytes: Buffer, random: Random): Promise<boolean> {
  return new Promise((resolve) => {
    const heard = new AbortController()
    let answered = false
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const rude = random() < 0.1
    const cuts = [0, Math.floor(random() * bytes.length), Math.floor(random() * bytes.length), bytes.length]
    cuts.sort((a, b) => a - b)
    socket.on('error', () => {})
    socket.on('data', () => {
      answered = true
      heard.abort()
    })
    socket.on('close', () => {
      heard.abort()
      resolve(answered)
    })
    void (async () => {
      for (let piece = 0; piece < 3; piece++) {
        if (socket.writable) socket.write(bytes.subarray(cuts[piece], cuts[piece + 1]))
        if (piece < 2) await sleep(random() * 3)
      }
      await sleep(PATIENCE_MS, heard.signal)
      await sleep(LINGER_MS)
      if (rude) socket.resetAndDestroy()
      else socket.destroy()
    })()
  })
}

async function watchCanary(
  berth: Berth,
  counts: { canaries: number },
  faults: string[],
  isOver: () => boolean,
): Promise<void> {
  while (!isOver()) {
    if (await isAnswered(berth.port)) counts.canaries += 1
    else faults.push(`a well-behaved client was not answered within ${CANARY_WITHIN_MS / 1000} s`)
    await sleep(CANARY_EVERY_MS)
  }
}

function isAnswered(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect(port, '127.0.0.1')
    const late = setTimeout(() => socket.destroy(), CANARY_WITHIN_MS)
    socket.on('error', () => {})
    socket.on('data', (data) => (text += data.toString('latin1')))
    socket.on('close', () => {
      clearTimeout(late)
      resolve(text.startsWith('HTTP/1.1 200 ') && text.includes('seen\n'))
    })
    socket.write('GET /canary HTTP/1.1\r\nHost: canary.localhost\r\nConnection: close\r\n\r\n')
  })
}

async function watchMemory(pid: number, faults: string[], isOver: () => boolean, report: () => void): Promise<void> {
  let first: number | null = null
  for (let at = Date.now() + REPORT_EVERY_MS; !isOver(); await sleep(500)) {
    if (Date.now() < at) continue
    at += REPORT_EVERY_MS
    const now = await residentKb(pid).catch(() => null)
    if (now === null) return void faults.push("the router's process is gone")
    first ??= now
    console.log(`${Math.round(now / 1024)} MB`)
    report()
    if (now - first > MAX_GROWTH_KB) faults.push(`it grew from ${first} to ${now} KB`)
  }
}
