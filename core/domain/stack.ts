/**
 * A stack: the read-only root that sandboxes run on, made of Debian packages. The first image of a host is its own; those
 * that an operator has built later are the same bytes on every host, named by their day and held by their SHA-256.
 */
import type { HostId, LayerDigest } from './ids.ts'

/** The Debian release of the images that this version makes. */
export const DEBIAN_RELEASE = 13

/** What was asked for. Only the controller writes it. */
export type Stack = {
  name: string
  /** The stack whose packages are brought up to date; null: the building host's own. */
  base: string | null
  /** Made from nothing instead. */
  fresh: boolean
  host: HostId
  actor: string
  createdAt: number
}

/** What became of it. Only the building host's agent writes it. */
export type StackReport =
  | { state: 'building'; at: number }
  | ({ state: 'built'; at: number } & BuiltStack)
  | { state: 'failed'; at: number; error: string }

export type BuiltStack = {
  digest: LayerDigest
  bytes: number
  /** Debian's point release, like 13.2. */
  debian: string
  /** Which recipe its files follow: an image of another one cannot be brought up to date, only made anew. */
  recipe: string
}

export type KnownStack = Stack & { report: StackReport | null }

/** The stack of all apps; `current` null: each host's own first image. */
export type StackChoice = { current: string | null; previous: string | null; since: number; actor: string }

/** It becomes part of paths and keys, so the grammar is narrow. */
export const isStackName = (text: string): boolean => text.length <= 63 && /^debian-\d{1,3}(-[a-z0-9]+)+$/.test(text)

/** `debian-13-20261121-2`: the second of its day (UTC). */
export function nextStackName(taken: readonly string[], now: number): string {
  const day = new Date(now).toISOString().slice(0, 10).replaceAll('-', '')
  for (let n = 1; ; n++) {
    const name = `debian-${DEBIAN_RELEASE}-${day}-${n}`
    if (!taken.includes(name)) return name
  }
}

/** The major release in a stack's name: programs built on one may miss libraries on another. Null: not a stack of Debian's. */
export function debianOf(name: string): number | null {
  const [, release] = /^debian-(\d+)-/.exec(name) ?? []
  return release === undefined ? null : Number(release)
}
