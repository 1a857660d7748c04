/**
 * Cuts off what a host has open with us when its enrolment ends, or is replaced: within a second, whichever controller was told.
 * Each enrolment is looked up once per round, however much it has open.
 */
import type { Socket } from 'node:net'
import type { HostIdentity } from '#core/domain/agent-access.ts'
import type { Log } from '#core/runtime/log.ts'
import type { Store } from '#core/store/connection.ts'
import { isEnrolled } from '#core/store/enrolments.ts'

export type AgentWatch = {
  /** Of the same connection as often as it likes. */
  keep(identity: HostIdentity, socket: Socket): void
  /** Has all looked at now. */
  look(): Promise<void>
}

const LOOK_EVERY_MS = 500

export function createAgentWatch({ store, log }: { store: Store; log: Log }): AgentWatch {
  const open = new Map<string, { identity: HostIdentity; sockets: Set<Socket> }>()
  let timer: NodeJS.Timeout | null = null
  let looking: Promise<void> | null = null

  async function lookAtAll(): Promise<void> {
    await Promise.all(
      [...open.values()].map(async ({ identity, sockets }) => {
        if (await isEnrolled(store, identity)) return
        log.info('connections of a host cut off: its enrolment has ended', { host: identity.host, count: sockets.size })
        for (const socket of sockets) socket.destroy()
      }),
      // What cannot be looked up stays open, and each request on it is looked up by itself.
    ).catch((error: unknown) => log.debug('connections of hosts not checked', { error }))
  }

  function look(): Promise<void> {
    looking ??= lookAtAll().finally(() => (looking = null))
    return looking
  }

  function forget(key: string, socket: Socket): void {
    const kept = open.get(key)
    kept?.sockets.delete(socket)
    if (kept?.sockets.size === 0) open.delete(key)
    if (open.size > 0 || timer === null) return
    clearInterval(timer)
    timer = null
  }

  return {
    look,
    keep(identity, socket) {
      if (socket.destroyed) return
      const key = `${identity.host} ${identity.enrolment}`
      const kept = open.get(key) ?? { identity, sockets: new Set<Socket>() }
      open.set(key, kept)
      if (kept.sockets.has(socket)) return
      kept.sockets.add(socket)
      socket.once('close', () => forget(key, socket))
      timer ??= setInterval(() => void look(), LOOK_EVERY_MS).unref()
    },
  }
}
