/**
 * ◆ What of the machine's store goes: runtimes and stack images, which all Berths of a machine share. Nobody can ask all of
 * them, so what one uses it marks with the time, and what nobody has marked for long is nobody's.
 */

export type Stored = {
  /** `ruby@3.3-debian-13-806c17ae8b65-be827cd8.squashfs`, `node@24.21.0`, `debian-13-806c17ae8b65.squashfs` */
  name: string
  /** ms since 1970 */
  usedAt: number
  /** By anybody on this machine. */
  isMounted: boolean
}

const DAY_MS = 24 * 3600_000
export const UNUSED_MS = 30 * DAY_MS
/** Of a stack that this Berth has not: it was replaced, or is another Berth's, which marks what it uses. */
export const ORPHANED_MS = 7 * DAY_MS
/** What somebody who was killed left half made. */
const HALF_MADE_MS = DAY_MS

/** @param stacks names of the stacks that this host may still be asked for, as they are in the names of images */
export const outdated = (stored: readonly Stored[], stacks: readonly string[], now: number): string[] =>
  stored
    .filter(({ name, usedAt, isMounted }) => !isMounted && now - usedAt > limitOf(name, stacks))
    .map(({ name }) => name)

function limitOf(name: string, stacks: readonly string[]): number {
  if (/^(?:installing|building)-|\.new$/.test(name)) return HALF_MADE_MS
  if (name.endsWith('.lock')) return Infinity
  const isImage = name.endsWith('.squashfs')
  return isImage && !stacks.some((stack) => name.includes(stack)) ? ORPHANED_MS : UNUSED_MS
}
