/** Whose code is kept: what runs, what is to run, and what may be rolled back to. */
import type { Release } from '#core/domain/release.ts'
import type { LayerDigest } from '#core/domain/ids.ts'
import type { Slug } from '#core/domain/slug.ts'

export type Keeping = {
  /** Releases that run, are to run, or are named by a deploy that is under way. */
  inUse: ReadonlySet<number>
  /** Releases that have gone live: only those can be rolled back to. */
  live: ReadonlySet<number>
  /** How many slugs besides those in use. */
  keep: number
}

/**
 * The releases whose code stays. What is counted is slugs: ten changes of config vars do not push out the code before them.
 * @param releases of one app, oldest first
 */
export function keptReleases(releases: readonly Release[], { inUse, live, keep }: Keeping): Set<number> {
  const slugs = new Set(releases.filter(({ version }) => inUse.has(version)).map(({ slug }) => slugKey(slug)))
  let more = keep
  for (const { version, slug } of releases.toReversed()) {
    if (more === 0) break
    if (!live.has(version) || slugs.has(slugKey(slug))) continue
    slugs.add(slugKey(slug))
    more -= 1
  }
  return new Set(releases.filter(({ slug }) => slugs.has(slugKey(slug))).map(({ version }) => version))
}

/** Equal for slugs of the same bytes. */
export const slugKey = ({ layers }: Pick<Slug, 'layers'>): string => layers.map(({ digest }) => digest).join(' ')

/** The releases of which a layer is not among those that stay. */
export const collectedReleases = (releases: readonly Release[], needed: ReadonlySet<LayerDigest>): number[] =>
  releases.filter(({ slug }) => slug.layers.some(({ digest }) => !needed.has(digest))).map(({ version }) => version)
