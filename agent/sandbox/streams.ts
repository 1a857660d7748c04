/**
 * Pipes between the agent and a sandbox's first process, for a run that somebody is attached to. Plain pipes, no sockets: a
 * pipe carries bytes and nothing else, so a hostile process can neither pass descriptors to the agent nor ask who it is.
 */
import { closeSync, constants, openSync } from 'node:fs'
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { Socket } from 'node:net'
import { join } from 'node:path'
import type { RunStreams } from '#core/domain/run.ts'
import { run } from '#core/runtime/process.ts'

/** Of the process: its descriptors 3, 4 and 5. `r`: it reads what the agent writes. */
const directions = { pipes: ['r', 'w', 'w'], terminal: ['r', 'w', 'r'] } as const

type AttachedStreams = Exclude<RunStreams, 'log'>

export type Streams = {
  /** To be handed to the process, in this order, as 3, 4 and 5. */
  theirs: number[]
  /** What goes in: standard input, or what is typed. */
  input: Socket
  /** What comes out: standard output and error, or what the terminal shows. */
  outputs: Socket[]
  /** Tells a terminal its size; null where there is none. */
  sizes: Socket | null
  /** The process has its ends, or never will: closes them here, so that an end of either side is seen by the other. */
  handOver(): void
  close(): void
}

/**
 * @param folder on a file system that only root can reach; the names are gone when this returns
 * @param owner the process's user on the host: programs open /dev/stdout anew, which asks for rights
 */
export async function openStreams(kind: AttachedStreams, folder: string, owner: number): Promise<Streams> {
  const names = await mkdtemp(join(folder, 'streams-'))
  const paths = directions[kind].map((_, index) => join(names, String(index)))
  try {
    await run(['mkfifo', '-m', '600', ...(paths as [string, ...string[]])])
    for (const path of paths) await chown(path, owner, owner)
    return streamsOf(directions[kind].map((direction, index) => openPipe(paths[index] ?? '', direction)))
  } finally {
    await rm(names, { recursive: true, force: true })
  }
}

type Pipe = { theirs: number; ours: number; direction: 'r' | 'w' }

/** Opening one side waits for the other, so both are opened at once first. */
function openPipe(path: string, direction: 'r' | 'w'): Pipe {
  const { O_RDWR, O_RDONLY, O_WRONLY, O_NONBLOCK } = constants
  const [reading, writing] = direction === 'r' ? [O_RDONLY, O_WRONLY] : [O_WRONLY, O_RDONLY]
  const both = openSync(path, O_RDWR | O_NONBLOCK)
  try {
    return { theirs: openSync(path, reading), ours: openSync(path, writing | O_NONBLOCK), direction }
  } finally {
    closeSync(both)
  }
}

function streamsOf(pipes: Pipe[]): Streams {
  const sockets = pipes.map(({ ours: fd, direction }) => {
    const socket = new Socket({ fd, readable: direction === 'w', writable: direction === 'r' })
    // The process may end with something unread; its exit code says how.
    return socket.on('error', () => {})
  })
  const of = (direction: 'r' | 'w') => sockets.filter((_, index) => pipes[index]?.direction === direction)
  const [input, sizes = null] = of('r')
  if (!input) throw new Error('A process without an input has no streams.')
  let held = pipes.map(({ theirs }) => theirs)
  const streams: Streams = {
    theirs: [...held],
    input,
    outputs: of('w'),
    sizes,
    handOver() {
      for (const fd of held.splice(0)) closeSync(fd)
      held = []
    },
    close() {
      streams.handOver()
      for (const socket of sockets) socket.destroy()
    },
  }
  return streams
}
