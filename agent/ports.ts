/**
 * Places on the host's network. Each life of an instance gets a new one, and a place is taken again only when all others
 * were: a router that missed a change can hit a dead address, but never another app's.
 */
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PublishedPort } from './sandbox/network.ts'

/** The port that every app listens on; it has a network of its own, so there is nothing to collide with. */
export const APP_PORT = 5000

const FIRST = 2
const LAST = 65_533
const FIRST_PORT = 10_000
const PORTS = 22_000

export type Places = {
  /** @returns an index that is not in use and was not for as long as possible */
  take(): Promise<number>
  release(index: number): void
}

/** @param used the places of the sandboxes that run already */
export async function openPlaces(folder: string, used: Iterable<number>): Promise<Places> {
  const file = join(folder, 'next-place')
  const taken = new Set(used)
  let next = Number(await readFile(file, 'utf8').catch(() => FIRST))
  return {
    async take() {
      while (taken.has(next)) next = after(next)
      const index = next
      taken.add(index)
      next = after(next)
      // Written before the place is used, so that a restart of the agent goes on behind it.
      await writeFile(`${file}.new`, String(next))
      await rename(`${file}.new`, file)
      return index
    },
    release: (index) => void taken.delete(index),
  }
}

const after = (index: number): number => (index >= LAST ? FIRST : index + 1)

/** On a host with an address of its own, each place has a port there, from 10000 up to the ephemeral range. */
export const publishedPort = (index: number, address: string): PublishedPort => ({
  port: FIRST_PORT + (index % PORTS),
  address,
  appPort: APP_PORT,
})
