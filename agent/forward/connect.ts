/**
 * Runs on the host, in one instance's network namespace and in no other of its namespaces: connects to that instance's own
 * loopback, as it is asked over IPC, and hands each connection to the agent that asked. It reads and runs nothing of the
 * tenant's. Ends with the agent, or when it was not asked for a while.
 */
import { connect } from 'node:net'

type Asked = { id: number; port: number }

const IDLE_MS = 30_000
const CONNECT_WITHIN_MS = 5_000
const LOOPBACKS = ['127.0.0.1', '::1']

const idle = setTimeout(() => process.exit(0), IDLE_MS)
process.on('disconnect', () => process.exit(0))
process.on('message', ({ id, port }: Asked) => {
  idle.refresh()
  reach(id, port, LOOPBACKS)
})

function reach(id: number, port: number, [host, ...others]: string[]): void {
  if (host === undefined) return void process.send?.({ id, isThere: false })
  // Paused, so that what the other side says first is read by the agent, not here.
  const socket = connect({ host, port, timeout: CONNECT_WITHIN_MS }).pause()
  socket.once('connect', () => {
    socket.removeAllListeners('timeout')
    process.send?.({ id, isThere: true }, socket)
  })
  socket.once('timeout', () => socket.destroy(new Error('late')))
  socket.once('error', () => reach(id, port, others))
}
