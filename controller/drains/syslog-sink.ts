/**
 * A drain over syslog: one connection that stays, to an address that was judged when it was made. TCP does not say that a
 * receiver has read what was written: what is under way when one goes is lost, as with every syslog sender.
 */
import { isIP, type Socket } from 'node:net'
import { connect as connectPlain } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { DrainLine } from '#core/domain/drain.ts'
import { outboundFailed } from '#core/domain/errors.ts'
import type { Outbound } from '../outbound/index.ts'
import { frameOf } from './syslog.ts'
import type { Sink } from './sink.ts'

export type SyslogTarget = { host: string; port: number; isEncrypted: boolean }

const CONNECT_WITHIN_MS = 10_000
const TAKE_WITHIN_MS = 15_000

export function syslogSink(target: SyslogTarget, outbound: Pick<Outbound, 'addressesOf' | 'ca'>): Sink {
  let socket: Socket | null = null

  async function connected(signal: AbortSignal): Promise<Socket> {
    if (socket && !socket.destroyed && socket.writable) return socket
    socket?.destroy()
    const { addresses } = await outbound.addressesOf(target.host)
    let failure: unknown = null
    for (const address of addresses) {
      try {
        socket = await open(target, address, outbound.ca, signal)
        return socket
      } catch (error) {
        failure = error
        signal.throwIfAborted()
      }
    }
    throw outboundFailed(describe(failure, target), failure)
  }

  return {
    async send(lines: DrainLine[], signal) {
      const to = await connected(signal)
      try {
        await write(to, Buffer.concat(lines.map(frameOf)), signal)
      } catch (error) {
        to.destroy()
        signal.throwIfAborted()
        throw outboundFailed(describe(error, target), error)
      }
    },
    close: () => void socket?.destroy(),
  }
}

function open({ host, port, isEncrypted }: SyslogTarget, address: string, ca: string | null, signal: AbortSignal) {
  return new Promise<Socket>((resolve, reject) => {
    const name = isIP(host) ? {} : { servername: host }
    const socket = isEncrypted
      ? connectTls({ host: address, port, ...name, ...(ca === null ? {} : { ca }) })
      : connectPlain({ host: address, port })
    const giveUp = () => socket.destroy(new Error('it did not answer in time'))
    const late = setTimeout(giveUp, CONNECT_WITHIN_MS)
    signal.addEventListener('abort', giveUp, { once: true })
    const settle = () => {
      clearTimeout(late)
      signal.removeEventListener('abort', giveUp)
    }
    socket.once(isEncrypted ? 'secureConnect' : 'connect', () => {
      settle()
      socket.setKeepAlive(true, 30_000)
      // A collector says nothing; what it says nevertheless is not kept. Its end is the connection's.
      socket.resume()
      socket.on('end', () => socket.destroy())
      socket.on('error', () => {})
      resolve(socket)
    })
    socket.once('error', (error) => {
      settle()
      reject(error)
    })
  })
}

/** Until the kernel has taken all of it: a receiver that does not read is noticed here. */
function write(socket: Socket, bytes: Buffer, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const ending = AbortSignal.any([signal, AbortSignal.timeout(TAKE_WITHIN_MS)])
    const give = (error?: Error | null) => {
      ending.removeEventListener('abort', late)
      socket.off('close', closed)
      if (error) reject(error)
      else resolve()
    }
    const late = () => give(new Error('it did not take what was sent in time'))
    const closed = () => give(new Error('it closed the connection'))
    ending.addEventListener('abort', late, { once: true })
    socket.once('close', closed)
    socket.write(bytes, give)
  })
}

/** Without the addresses that Node's messages name. */
function describe(error: unknown, { host, port }: SyslogTarget): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ECONNREFUSED') return `${host}:${port} refused the connection`
  if (code === undefined) return `${host}:${port}: ${message}`
  if (/CERT|SIGNATURE|ERR_TLS/.test(code)) return `the certificate of ${host} is not valid for it (${code})`
  return `the connection to ${host}:${port} failed (${code})`
}
