/** One Berth for several areas of promises: it starts for the first that asks, and stops when the last is through. */
import type { AppView } from '#core/contract/api.ts'
import { startWorld, type World } from './world.ts'

export type Start = () => Promise<World>

/** Each area has apps of its own, which make room for the next one's: a world's start and end are five seconds of CPU. */
export function inOneWorld(options: Parameters<typeof startWorld>[0], areas: ((start: Start) => void)[]): void {
  describe('In one world', () => {
    let world: Promise<World> | null = null
    for (const area of areas)
      describe('', () => {
        area(() => (world ??= startWorld(options)))
        after(async function () {
          this.timeout(120_000)
          if (world) await makeRoom(await world)
        })
      })
    after(async function () {
      this.timeout(120_000)
      await (await world)?.stop()
    })
  })
}

async function makeRoom(world: World): Promise<void> {
  const { apps } = (await world.api('GET', '/v1/apps')).body as { apps: AppView[] }
  for (const { name } of apps) await world.cli(['apps:destroy', name, '--confirm', name])
}
