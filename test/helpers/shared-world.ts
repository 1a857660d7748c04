/** One Berth for several areas of promises: it starts for the first that asks, and stops when the last is through. */
import { startWorld, type World } from './world.ts'

export type Start = () => Promise<World>

/** Worth more than a world's start and end, which is five seconds of CPU: what areas do to each other's apps. Give each apps of its own. */
export function inOneWorld(options: Parameters<typeof startWorld>[0], areas: ((start: Start) => void)[]): void {
  describe('In one world', () => {
    let world: Promise<World> | null = null
    for (const area of areas) area(() => (world ??= startWorld(options)))
    after(async function () {
      this.timeout(120_000)
      await (await world)?.stop()
    })
  })
}
