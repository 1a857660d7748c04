/** Starts and ends 1,000 sandboxes and looks for whatever there is more of on the host than before. */
import { startTestHost } from '#test/helpers/sandboxes.ts'
import { comeAndGo, grown, traces } from '#test/helpers/traces.ts'
import { printTable } from './table.ts'

const CYCLES = 1000
const AT_A_TIME = 4

export async function cycles(): Promise<void> {
  const world = await startTestHost()
  try {
    await comeAndGo(world, AT_A_TIME, AT_A_TIME)
    const before = await traces(world)
    const began = performance.now()
    await comeAndGo(world, CYCLES, AT_A_TIME, {}, (done) => {
      if (done % 100 === 0) console.log(`${done} of ${CYCLES}, ${((performance.now() - began) / 1000).toFixed(0)} s`)
    })
    const seconds = (performance.now() - began) / 1000
    const after = await traces(world)
    const left = grown(before, after)
    printTable(
      ['kind', 'before', `after ${CYCLES} starts and ends`, 'left behind'],
      Object.keys(after).map((kind) => [
        kind,
        before[kind]?.length ?? 0,
        after[kind]?.length ?? 0,
        left[kind]?.length ?? 0,
      ]),
    )
    console.log(
      `${seconds.toFixed(1)} s, ${((seconds * 1000) / CYCLES).toFixed(0)} ms a sandbox, ${AT_A_TIME} at a time`,
    )
    if (Object.keys(left).length > 0) throw new Error(`Left behind: ${JSON.stringify(left).slice(0, 2000)}`)
  } finally {
    await world.stop()
  }
}
