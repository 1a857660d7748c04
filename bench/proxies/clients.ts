/**
 * Clients of the fairness benchmark, each kind a process of its own: `clients.ts KIND PORT HOST [NUMBER]`. `steady` prints what
 * it measured when it is told to end; the others are attackers, and say `up` when their attack is complete.
 */
import { connect, type Socket } from 'node:net'
import { sleep } from '#core/runtime/clock.ts'

const ANSWERED_WITHIN_MS = 30_000
const MAX_LATE_MS = 5

export type Steady = { asked: number; failed: number; p50: number; p99: number; highest: number }

const [kind = '', portText = '', host = '', numberText = '0'] = process.argv.slice(2)
const [port, number] = [Number(portText), Number(numberText)]
const head = (more = '') => `GET / HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`

const kinds: Record<string, () => Promise<void> | void> = { steady, flood, reconnect, hold, drip }
process.on('SIGTERM', () => process.exit(0))
await kinds[kind]?.()

/** NUMBER requests a second, whatever becomes of those before, timed from when each was due (no coordinated omission). */
function steady(): void {
  const latencies: number[] = []
  let failed = 0
  const pool: Socket[] = []
  const outstanding = new Set<number>()
  const ask = (due: number) => {
    const socket = pool.pop() ?? open()
    let answered = false
    outstanding.add(due)
    const settle = (ok: boolean) => {
      outstanding.delete(due)
      socket.removeAllListeners('data').removeAllListeners('close')
      if (ok) {
        latencies.push(performance.now() - due)
        pool.push(socket)
      } else failed += 1
    }
    socket.on('close', () => !answered && settle(false))
    socket.on('data', (data) => {
      answered = true
      // The upstream's answer fits into one segment.
      settle(data.toString('latin1').startsWith('HTTP/1.1 200'))
    })
    socket.write(head())
  }
  onEachDue(number, ask)
  process.on('message', () => {
    // Left out, those that wait the longest would make the figures better.
    for (const due of outstanding) latencies.push(performance.now() - due)
    latencies.sort((a, b) => a - b)
    const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? NaN
    const said: Steady = { asked: latencies.length + failed, failed, p50: at(0.5), p99: at(0.99), highest: at(1) }
    process.send?.(said, () => process.exit(0))
  })
  process.send?.('up')
}

/** NUMBER requests a second over 64 connections; most are refused, which is the point. */
function flood(): void {
  const sockets = Array.from({ length: 64 }, () => open())
  let turn = 0
  onEachDue(number, () => {
    turn = (turn + 1) % sockets.length
    let socket = sockets[turn]
    if (!socket || socket.destroyed) socket = sockets[turn] = open()
    // One that is not read from would only fill its own buffers.
    socket.resume()
    if (socket.writableLength < 65_536) socket.write(head())
  })
  process.send?.('up')
}

/** NUMBER connections a second, each for one request, which is mostly refused. */
function reconnect(): void {
  onEachDue(number, () => {
    const socket = open(anAddress())
    socket.write(head('Connection: close\r\n'))
    socket.resume()
  })
  process.send?.('up')
}

/** NUMBER connections with one request behind each, which was answered; opened again when they are closed. */
async function hold(): Promise<void> {
  let answered = 0
  const stay = () => {
    const socket = open(anAddress())
    socket.write(head())
    socket.once('data', () => answered++)
    socket.resume()
    socket.on('close', () => setTimeout(stay, 1000))
  }
  for (let opened = 0; opened < number; opened++) {
    stay()
    if (opened % 200 === 0) await sleep(20)
  }
  // From here on they are idle: what is measured is that they are there, not that they come.
  for (const until = performance.now() + ANSWERED_WITHIN_MS; answered < number && performance.now() < until;)
    await sleep(100)
  process.send?.('up')
}

/** NUMBER connections: half send a head, half a body, one byte a second, one after the other. */
async function drip(): Promise<void> {
  const dripping = new Set<{ socket: Socket; rest: string }>()
  const begin = (body: boolean) => {
    const socket = open(anAddress())
    const one = { socket, rest: body ? 'x'.repeat(100_000) : head(`X-Long: ${'y'.repeat(10_000)}\r\n`) }
    if (body) socket.write(`POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 100000\r\n\r\n`)
    socket.resume()
    dripping.add(one)
    socket.on('close', () => {
      dripping.delete(one)
      setTimeout(begin, 1000, body)
    })
  }
  for (let opened = 0; opened < number; opened++) {
    begin(opened % 2 === 0)
    if (opened % 100 === 0) await sleep(20)
  }
  let turn = dripping.values()
  onEachDue(number, () => {
    let next = turn.next()
    if (next.done) next = (turn = dripping.values()).next()
    if (next.done) return
    const one = next.value
    one.socket.write(one.rest.charAt(0))
    one.rest = one.rest.slice(1)
  })
  process.send?.('up')
}

function open(localAddress?: string): Socket {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, ...(localAddress ? { localAddress } : {}) })
  return socket.on('error', () => socket.destroy())
}

/** As from many clients: a limit for one address must not be what holds an attack off. */
function anAddress(): string {
  return `127.${2 + Math.floor(Math.random() * 200)}.${Math.floor(Math.random() * 256)}.1`
}

/**
 * Timers are a millisecond or so late; what is due by then is done at once. But a client that was not let run for long, as
 * one of low priority is, does not make a burst of it that nobody asked for.
 */
function onEachDue(perSecond: number, act: (due: number) => void): void {
  const began = performance.now()
  let done = 0
  setInterval(() => {
    if (kind !== 'steady')
      done = Math.max(done, Math.floor(((performance.now() - began - MAX_LATE_MS) * perSecond) / 1000))
    while (began + (done * 1000) / perSecond <= performance.now()) {
      act(began + (done * 1000) / perSecond)
      done += 1
    }
  }, 1)
}
