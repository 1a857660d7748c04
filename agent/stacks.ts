/**
 * The stacks of this host: its own first image, and those that operators have built, which come from the controller as a
 * slug's layers do: fetched once, verified before they are mounted, mounted once for all that run on them.
 */
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { BerthError, stackCorrupt, stackNotBuilt } from '#core/domain/errors.ts'
import type { HostStack } from '#core/domain/host.ts'
import type { LayerDigest } from '#core/domain/ids.ts'
import type { KnownStack, StackReport } from '#core/domain/stack.ts'
import { digestOf, type Layers } from './slug.ts'
import type { StackImage } from './stack.ts'

export type Stacks = {
  /** The host's own: what runs where no stack is named. */
  own: OwnStack
  /**
   * The mounted root of a stack; fetches and verifies it where that was not done yet.
   * @param name null: the host's own
   * @throws STACK_NOT_BUILT, STACK_CORRUPT
   */
  rootOf(name: string | null, signal: AbortSignal): Promise<string>
  /** The layers that must stay for what runs on these stacks. */
  layersOf(names: Iterable<string | null>): Promise<LayerDigest[]>
  /** What is on this host, as of the last look. */
  present(): HostStack[]
  /** @param all the stacks that the controller knows */
  look(all: KnownStack[]): Promise<void>
}

export type OwnStack = StackImage & { root: string }

export type StacksContext = {
  own: OwnStack
  layers: Pick<Layers, 'mount' | 'has'>
  /** Asks the controller. */
  find: (name: string) => Promise<KnownStack | null>
}

type Built = Extract<StackReport, { state: 'built' }>

export async function openStacks({ own, layers, find }: StacksContext): Promise<Stacks> {
  const ownImage = await describe(own)
  // A stack's bytes never change, so what is known of one stays true.
  const known = new Map<string, Built>()
  let present = [ownImage]

  async function builtOf(name: string): Promise<Built> {
    const remembered = known.get(name)
    if (remembered) return remembered
    const report = (await find(name))?.report
    if (report?.state !== 'built') throw stackNotBuilt(name)
    known.set(name, report)
    return report
  }

  return {
    own,
    async rootOf(name, signal) {
      if (name === null) return own.root
      const { digest } = await builtOf(name)
      try {
        const [root = ''] = await layers.mount([{ digest }], signal)
        return root
      } catch (error) {
        throw error instanceof BerthError && error.code === 'SLUG_CORRUPT' ? stackCorrupt(name, error) : error
      }
    },
    async layersOf(names) {
      const named = [...new Set(names)].filter((name) => name !== null)
      const found = await Promise.all(named.map((name) => builtOf(name).catch(orGone)))
      return found.flatMap((built) => (built ? [built.digest] : []))
    },
    present: () => present,
    async look(all) {
      const found: HostStack[] = []
      for (const { name, report } of all) {
        if (report?.state !== 'built' || !(await layers.has(report.digest))) continue
        const { digest, bytes, debian, at } = report
        found.push({ name, digest, bytes, debian, builtAt: at })
      }
      ownImage.digest ??= (await digestOf(own.file)) as LayerDigest
      present = [ownImage, ...found]
    },
  }
}

/** What was destroyed needs nothing. */
function orGone(error: unknown): null {
  if (error instanceof BerthError && error.code === 'STACK_NOT_BUILT') return null
  throw error
}

/** Its digest takes a moment to compute and is only for people, so it comes with the first look. */
async function describe({ name, file, root }: OwnStack): Promise<HostStack> {
  const { size, mtimeMs } = await stat(file)
  return { name, digest: null, bytes: size, debian: await debianVersion(root), builtAt: Math.round(mtimeMs) }
}

/** Debian's point release, like 13.2. */
export const debianVersion = async (root: string): Promise<string> =>
  (await readFile(join(root, 'etc/debian_version'), 'utf8')).trim()
