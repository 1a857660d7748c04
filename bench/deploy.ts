/** From `git push` to the new answer: a first deploy, and again with unchanged dependencies. */
import { setTimeout as wait } from 'node:timers/promises'
import { startWorld } from '#test/helpers/world.ts'
import { median, printTable, range } from './table.ts'

const ROUNDS = 5

export async function deploy(): Promise<void> {
  const world = await startWorld()
  const first: number[] = []
  const again: number[] = []
  try {
    // The runtime is in the host's store after this one, as on any host in use.
    await world.cli(['create', 'warm'])
    await world.pushApp('warm', 'express')
    for (let round = 0; round < ROUNDS; round++) {
      const app = `app${round}`
      await world.cli(['create', app])
      first.push(
        await timed(async () => {
          await world.pushApp(app, 'express')
          await untilAnswer(app, 'v1')
        }),
      )
      again.push(
        await timed(async () => {
          await world.pushApp(app, 'express', { change: { 'note.txt': String(round) } })
          await untilAnswer(app, 'v2')
        }),
      )
    }
  } finally {
    await world.stop()
  }
  printTable(
    ['Express app, git push → new answer', 'median s', 'range ms'],
    [
      ['first deploy (npm ci)', (median(first) / 1000).toFixed(2), range(first)],
      ['again, dependencies unchanged', (median(again) / 1000).toFixed(2), range(again)],
    ],
  )

  async function untilAnswer(app: string, release: string): Promise<void> {
    while (!(await world.http(app, '/info')).body.includes(`"${release}"`)) await wait(10)
  }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}
