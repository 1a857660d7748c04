/** Connections to ports of an instance's own loopback, for ps:forward: nothing else can be reached by them. */
import { fork, type ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import { join } from 'node:path'

export type Forwards = {
  /**
   * @param life of one sandbox: its successor, of the same id, has another namespace
   * @returns null when nothing listens there
   */
  connect(life: string, namespacePath: string, port: number): Promise<Socket | null>
  stop(): void
}

type Helper = { child: ChildProcess; asked: Map<number, (socket: Socket | null) => void> }

const PROGRAM = join(import.meta.dirname, 'connect.ts')

/** One helper for a sandbox, as long as it is asked; see connect.ts. */
export function createForwards(): Forwards {
  const helpers = new Map<string, Helper>()
  let next = 0

  function helperOf(life: string, namespacePath: string): Helper {
    const known = helpers.get(life)
    if (known) return known
    const child = fork(PROGRAM, {
      execPath: 'nsenter',
      execArgv: [`--net=${namespacePath}`, process.execPath],
      env: { PATH: process.env['PATH'] },
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    const helper: Helper = { child, asked: new Map() }
    helpers.set(life, helper)
    child.on('message', ({ id, isThere }: { id: number; isThere: boolean }, socket) => {
      helper.asked.get(id)?.(isThere ? (socket as Socket) : null)
      helper.asked.delete(id)
    })
    const gone = () => {
      if (helpers.get(life) === helper) helpers.delete(life)
      for (const answer of helper.asked.values()) answer(null)
      helper.asked.clear()
    }
    child.on('error', gone)
    child.on('exit', gone)
    child.on('disconnect', gone)
    return helper
  }

  return {
    connect(life, namespacePath, port) {
      const { child, asked } = helperOf(life, namespacePath)
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
