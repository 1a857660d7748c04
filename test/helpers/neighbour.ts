/** An app of another tenant, which must not feel what happens beside it. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { defaultResources } from '#core/domain/resources.ts'
import { addressOf, type SandboxHandle } from '../../agent/sandbox/index.ts'
import type { TestHost } from './sandboxes.ts'

/** Idle it answers in milliseconds; so long only where it has to wait for what is another's. */
const ANSWERS_WITHIN_MS = 2000
const PORT = 5000
const PROBES = join(import.meta.dirname, '..', 'fixtures', 'probes')

const programs = {
  idle: `exec python3 -m http.server ${PORT}`,
  journal: 'exec python3 /app/journal.py',
}

export type Neighbour = {
  /** Asks it again and again while something goes on, and fails if a single answer was late. */
  unharmedBy<T>(work: () => Promise<T>): Promise<T>
  sandbox: SandboxHandle
  /** How long each answer took since the last call, in ms. */
  answers(): number[]
}

/** @param kind `journal`: it answers when what it wrote is on disk */
export async function startNeighbour(world: TestHost, kind: keyof typeof programs = 'idle'): Promise<Neighbour> {
  const sandbox = await world.start(programs[kind], {
    tenant: 'neighbour',
    app: 'a-neighbour',
    size: { ...defaultResources, memoryMb: 128 },
    layers: kind === 'journal' ? [PROBES] : [],
  })
  let took: number[] = []
  const url = `http://${addressOf(world.host, sandbox)}:${PORT}/`
  const ask = (signal: AbortSignal) => fetch(url, { signal }).then((response) => response.arrayBuffer())
  for (const until = Date.now() + 10_000; ; await pause(20)) {
    const answered = await ask(AbortSignal.timeout(1000)).then(
      () => true,
      () => false,
    )
    if (answered) break
    assert.ok(Date.now() < until, 'the neighbour did not start')
  }
  return {
    sandbox,
    answers() {
      const answers = took
      took = []
      return answers
    },
    async unharmedBy(work) {
      let over = false
      const asking = (async () => {
        do {
          const began = performance.now()
          await ask(AbortSignal.timeout(ANSWERS_WITHIN_MS)).catch((cause: unknown) => {
            throw new Error(`the neighbour did not answer within ${ANSWERS_WITHIN_MS} ms`, { cause })
          })
          took.push(performance.now() - began)
          if (!over) await pause(50)
        } while (!over)
      })()
      // Its failure is reported below; until then it is nobody's.
      asking.catch(() => undefined)
      try {
        return await work()
      } finally {
        over = true
        await asking
      }
    },
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
