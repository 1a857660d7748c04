/** Keeps the router's processes running, starts anew those that end unasked, and replaces them without a refused connection. */
import { fork, type ChildProcess } from 'node:child_process'
import { sleep } from '#core/runtime/clock.ts'
import type { Log } from '#core/runtime/log.ts'
import type { Stoppable } from '#core/runtime/shutdown.ts'

/** What a worker is told whose successor listens. */
export const RETIRE = 'retire'

export type WorkersOptions = {
  count: number
  /** The module that a worker runs, and options of its Node. It says `ready` when it listens. */
  program: string
  nodeOptions: string[]
  /** What the worker of a post (0, 1, …) finds in its environment besides what is there. */
  envOf?: (post: number) => Record<string, string>
  /** How long a successor may take to listen before its predecessor is kept, and a worker to end before it is killed. */
  readyMs: number
  stopMs: number
}

export type Workers = Stoppable & {
  /** One worker at a time: its successor listens, then it is told to end, and it has ended before the next one's turn. */
  replace(): Promise<void>
  /** The processes that serve. */
  pids(): number[]
}

const MIN_DELAY_MS = 200
const MAX_DELAY_MS = 10_000
const STABLE_MS = 30_000

/** How long to wait before the next start of a worker that ended unasked. @param ranMs how long this one ran */
export const nextDelay = (delayMs: number, ranMs: number): number =>
  ranMs > STABLE_MS ? MIN_DELAY_MS : Math.min(MAX_DELAY_MS, delayMs * 2)

/** Starts all workers. @throws an Error when one of them does not come up; then none is left */
export async function startWorkers(options: WorkersOptions, log: Log): Promise<Workers> {
  const ending = new AbortController()
  const living = new Set<Worker>()
  const launchOne = (post: number) => {
    const worker = launch(options, post)
    living.add(worker)
    void worker.exited.then(() => living.delete(worker))
    return worker
  }
  const stop = async () => {
    ending.abort()
    for (const worker of living) worker.child.kill('SIGTERM')
    await Promise.all([...living].map((worker) => untilGone(worker, options.stopMs)))
  }

  const posts: Post[] = Array.from({ length: options.count }, (_, index) => ({ index, worker: launchOne(index) }))
  const cameUp = await Promise.all(posts.map(({ worker }) => worker.ready))
  if (cameUp.includes(false)) {
    await stop()
    throw new Error('The router did not start: one of its workers ended before it was ready. What it said is above.')
  }
  for (const post of posts) void keep(post)

  /** A post is never left: whoever has it is followed by another one. */
  async function keep(post: Post): Promise<void> {
    let delayMs = MIN_DELAY_MS
    while (!ending.signal.aborted) {
      const { worker } = post
      const { code, signal, ranMs } = await worker.exited
      if (ending.signal.aborted) return
      if (post.worker !== worker) continue
      log.error('worker ended unasked, starting another one', { pid: worker.child.pid, code, signal, delayMs })
      await sleep(delayMs, ending.signal)
      delayMs = nextDelay(delayMs, ranMs)
      if (!ending.signal.aborted && post.worker === worker) post.worker = launchOne(post.index)
    }
  }

  async function replaceAll(): Promise<void> {
    for (const [index, post] of posts.entries()) {
      if (ending.signal.aborted) return
      const successor = launchOne(index)
      if (!(await inTime(successor.ready, options.readyMs))) {
        successor.child.kill('SIGKILL')
        if (ending.signal.aborted) return
        log.error('successor did not come up, so the workers that serve stay', { replaced: index, of: posts.length })
        return
      }
      const predecessor = post.worker
      post.worker = successor
      if (predecessor.child.connected) predecessor.child.send(RETIRE, () => {})
      await untilGone(predecessor, options.stopMs)
    }
    log.info('workers replaced', { pids: posts.map(({ worker }) => worker.child.pid) })
  }

  let replacing = Promise.resolve()
  let waiting = 0
  return {
    stop,
    pids: () => posts.flatMap(({ worker }) => worker.child.pid ?? []),
    replace() {
      // Asked again while one waits its turn, there is nothing more to do: that one takes what is new by then.
      if (waiting === 0) {
        waiting += 1
        replacing = replacing.then(() => {
          waiting -= 1
          return replaceAll()
        })
      }
      return replacing
    },
  }
}

type Post = { index: number; worker: Worker }
type Exit = { code: number | null; signal: NodeJS.Signals | null; ranMs: number }
type Worker = {
  child: ChildProcess
  /** False when it ended before. */
  ready: Promise<boolean>
  exited: Promise<Exit>
}

/** Its output is the supervisor's, and the channel between them tells each of the other's end, however sudden. */
function launch({ program, nodeOptions, envOf }: WorkersOptions, post: number): Worker {
  const began = performance.now()
  const child = fork(program, {
    execArgv: [...process.execArgv, ...nodeOptions],
    env: { ...process.env, ...envOf?.(post) },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const exited = new Promise<Exit>((resolve) => {
    const over = (code: number | null, signal: NodeJS.Signals | null) =>
      resolve({ code, signal, ranMs: performance.now() - began })
    child.once('exit', over)
    // Of these, only the failure to run it at all is its end; the others have one that follows.
    child.on('error', () => child.pid === undefined && over(null, null))
  })
  const ready = new Promise<boolean>((resolve) => {
    child.once('message', () => resolve(true))
    void exited.then(() => resolve(false))
  })
  return { child, ready, exited }
}

async function untilGone({ child, exited }: Worker, stopMs: number): Promise<void> {
  if (
    !(await inTime(
      exited.then(() => true),
      stopMs,
    ))
  )
    child.kill('SIGKILL')
  await exited
}

/** @returns false when it is late, too */
async function inTime(outcome: Promise<boolean>, ms: number): Promise<boolean> {
  const over = new AbortController()
  const inTime = await Promise.race([outcome, sleep(ms, over.signal).then(() => false)])
  over.abort()
  return inTime
}
