/**
 * Places on the host's network. Each life of an instance gets a new one, and a place is taken again only when all others
 * were: a router that missed a change can hit a dead address, but never another app's.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PublishedPort } from './sandbox/link.ts'

/** The port that every app listens on; it has a network of its own, so there is nothing to collide with. */
export const APP_PORT = 5000

const FIRST = 2
const LAST = 65_533
const FIRST_PORT = 10_000
const PORTS = 22_000

export type Places = {
  /** @returns an index that is not in use and was not for as long as possible */
  take(): number
  release(index: number): void
}

/** So many places are reserved on disk at a time; a restart of the agent goes on behind them. */
const RESERVED = 64

/** @param used the places of the sandboxes that run already */
export function openPlaces(folder: string, used: Iterable<number>): Places {
  const file = join(folder, 'next-place')
  const taken = new Set(used)
  let next = readNext(file)
  let reserved = 0

  function step(): number {
    const index = next
    next = index >= LAST ? FIRST : index + 1
    if (reserved === 0) {
      writeFileSync(`${file}.new`, String(((next - FIRST + RESERVED) % (LAST - FIRST + 1)) + FIRST))
      renameSync(`${file}.new`, file)
      reserved = RESERVED
    }
    reserved--
    return index
  }

  return {
    take() {
      let index = step()
      while (taken.has(index)) index = step()
      taken.add(index)
      return index
    },
    release: (index) => void taken.delete(index),
  }
}

function readNext(file: string): number {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
  return /^\d+$/.test(text) ? Number(text) : FIRST
}

/** On a host with an address of its own, each place has a port there, from 10000 up to the ephemeral range. */
export const publishedPort = (index: number, address: string): PublishedPort => ({
  port: FIRST_PORT + (index % PORTS),
  address,
  appPort: APP_PORT,
})
