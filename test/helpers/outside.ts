/** An Internet for tests: a namespace behind a link of its own that has the addresses asked for and answers on them. */
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { run } from '#core/runtime/process.ts'

const FIXTURE = fileURLToPath(new URL('../fixtures/network/outside.ts', import.meta.url))
const MARK_PORT = 9

export type Outside = {
  /** Its address on the link, and the host's there. */
  address: string
  hostAddress: string
  device: string
  namespacePath: string
  /** Who was contacted since the last call, as `tcp ADDRESS:PORT`. Waits until all that was sent before has arrived. */
  contacts(): Promise<string[]>
  stop(): Promise<void>
}

/** @param slot the test host's, which makes names and the link's own addresses unique on this machine */
export async function startOutside(
  slot: number,
  { addresses, tcp, udp }: { addresses: string[]; tcp: number[]; udp: number[] },
): Promise<Outside> {
  const namespace = `berth-outside-${slot}`
  const namespacePath = `/run/netns/${namespace}`
  const device = `bo${slot}`
  const [here, there] = [`198.51.100.${2 * slot}`, `198.51.100.${2 * slot + 1}`]
  const remove = () =>
    run(['ip', '-force', '-batch', '-'], { input: `link del ${device}\nnetns del ${namespace}\n` }).catch(() => {})
  await remove()
  const stopping = new AbortController()
  try {
    await run(['ip', '-batch', '-'], {
      input: [
        `netns add ${namespace}`,
        `link add ${device} type veth peer name eth0 netns ${namespace}`,
        `link set ${device} addrgenmode none up`,
        `addr add ${here} peer ${there} dev ${device}`,
        ...addresses.map((address) => `route add ${address}/32 via ${there} dev ${device} src ${here}`),
      ].join('\n'),
    })
    await run(['nsenter', `--net=${namespacePath}`, 'ip', '-batch', '-'], {
      input: [
        'link set lo up',
        `addr add ${there} peer ${here} dev eth0`,
        'link set eth0 up',
        `route add default via ${here}`,
        ...addresses.map((address) => `addr add ${address}/32 dev lo`),
      ].join('\n'),
    })
    const all = [...addresses, there]
    const child = spawn(
      'nsenter',
      [`--net=${namespacePath}`, process.execPath, FIXTURE, all.join(), tcp.join(), [...udp, MARK_PORT].join()],
      { stdio: ['ignore', 'pipe', 'inherit'], signal: stopping.signal, killSignal: 'SIGKILL' },
    )
    child.on('error', () => {})
    const ended = once(child, 'exit').catch(() => {})
    let seen: string[] = []
    const lines = createInterface(child.stdout)
    await Promise.race([once(lines, 'line'), ended.then(() => Promise.reject(new Error('the outside ended')))])
    lines.on('line', (line) => seen.push(line))
    let marks = 0
    return {
      address: there,
      hostAddress: here,
      device,
      namespacePath,
      async contacts() {
        const mark = `udp ${there}:${MARK_PORT} mark-${++marks}`
        const socket = createSocket('udp4')
        try {
          socket.send(`mark-${marks}`, MARK_PORT, there)
          while (!seen.includes(mark)) await once(lines, 'line', { signal: AbortSignal.timeout(5000) })
        } finally {
          socket.close()
        }
        const found = seen.filter((line) => line !== mark)
        seen = []
        return found
      },
      async stop() {
        stopping.abort()
        await ended
        await remove()
      },
    }
  } catch (error) {
    stopping.abort()
    await remove()
    throw error
  }
}
