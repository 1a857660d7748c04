/** Connections to ports of an instance's own loopback, for ps:forward: nothing else can be reached by them. */
import { fork, type ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import type { InstanceId } from '#core/domain/ids.ts'

export type Forwards = {
  /** @returns null when nothing listens there */
  connect(instance: InstanceId, namespacePath: string, port: number): Promise<Socket | null>
  stop(): void
}

type Helper = { child: ChildProcess; asked: Map<number, (socket: Socket | null) => void> }

const PROGRAM = join(import.meta.dirname, 'connect.ts')

/** One helper for an instance, as long as it is asked; see connect.ts. */
export function createForwards(): Forwards {
  const helpers = new Map<InstanceId, Helper>()
  let next = 0

  function helperOf(instance: InstanceId, namespacePath: string): Helper {
    const known = helpers.get(instance)
    if (known) return known
    const child = fork(PROGRAM, {
      execPath: 'nsenter',
      execArgv: [`--net=${namespacePath}`, process.execPath],
      env: { PATH: process.env['PATH'] },
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    const helper: Helper = { child, asked: new Map() }
    helpers.set(instance, helper)
    child.on('message', ({ id, isThere }: { id: number; isThere: boolean }, socket) => {
      helper.asked.get(id)?.(isThere ? (socket as Socket) : null)
      helper.asked.delete(id)
    })
    const gone = () => {
      if (helpers.get(instance) === helper) helpers.delete(instance)
      for (const answer of helper.asked.values()) answer(null)
      helper.asked.clear()
    }
    child.on('error', gone)
    child.on('exit', gone)
    child.on('disconnect', gone)
    return helper
  }

  return {
    connect(instance, namespacePath, port) {
      const { child, asked } = helperOf(instance, namespacePath)
      const id = ++next
      return new Promise((resolve) => {
        asked.set(id, resolve)
        child.send({ id, port }, (error) => {
          if (!error) return
          asked.delete(id)
          resolve(null)
        })
      })
    },
    stop() {
      for (const { child } of helpers.values()) child.disconnect()
    },
  }
}
