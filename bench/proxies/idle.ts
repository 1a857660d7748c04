/** What connections cost that are kept open and say nothing. */
import { readFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { sleep } from '#core/runtime/clock.ts'
import type { Options } from '../options.ts'
import { printTable } from '../table.ts'
import { anApp, startBerth } from './berth.ts'
import { startPeer } from './peers.ts'
import { UPSTREAM_PORT } from './upstream.ts'

const CONNECTIONS = 10_000
const AT_A_TIME = 200
/** For what garbage a heap has to be let go of. */
const SETTLE_MS = 5_000

/** 10,000 connections, each with one request behind it: the memory of the process that holds them. */
export async function idleConnections(_options: Options, folder: string): Promise<void> {
  const nginx = await startPeer('nginx', { folder })
  const berth = await startBerth()
  try {
    await berth.route([anApp('app', UPSTREAM_PORT)])
    const table = [
      ['nginx', ...(await hold(nginx.port, await childOf(nginx.pid)))],
      ['berth', ...(await hold(berth.port, await berth.worker()))],
    ]
    console.log(`\n${CONNECTIONS} idle keep-alive connections. Target: ≤ 150 MB`)
    printTable(['proxy', 'before, MB', 'with them, MB', 'KB each', 'still open'], table)
  } finally {
    await berth.stop()
    await nginx.stop()
  }
}

async function hold(port: number, pid: number): Promise<(string | number)[]> {
  const before = await residentKb(pid)
  const sockets: Socket[] = []
  while (sockets.length < CONNECTIONS)
    sockets.push(...(await Promise.all(Array.from({ length: AT_A_TIME }, () => askAndStay(port)))))
  await sleep(SETTLE_MS)
  const after = await residentKb(pid)
  const open = sockets.filter((socket) => !socket.closed && socket.readyState === 'open').length
  for (const socket of sockets) socket.destroy()
  return [(before / 1024).toFixed(0), (after / 1024).toFixed(0), ((after - before) / CONNECTIONS).toFixed(1), open]
}

/** From a few thousand addresses of this machine, as from many clients. */
let next = 0
function askAndStay(port: number): Promise<Socket> {
  next += 1
  const localAddress = `127.1.${(next >> 8) & 255}.${next & 255 || 1}`
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress })
    socket.once('error', reject)
    socket.once('data', () => resolve(socket))
    socket.write('GET / HTTP/1.1\r\nHost: app.localhost\r\n\r\n')
  })
}

/** proc(5), /proc/pid/status. */
export async function residentKb(pid: number): Promise<number> {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1])
}

/** nginx's worker. */
async function childOf(pid: number): Promise<number> {
  return Number((await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ')[0])
}
