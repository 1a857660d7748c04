/**
 * Cuts off what goes on (followed logs, uploads, terminals) when the token or the session that opened it ends, or reaches
 * less far: within a second, on every controller. Each is looked up once per round, however much it has open.
 */
import type { Log } from '#core/runtime/log.ts'
import { stillCounts, type Callers, type Proof } from './callers.ts'

export type Watch = {
  /** @returns what ends the watching */
  keep(proof: Proof, cut: () => void): () => void
}

const LOOK_EVERY_MS = 500

export function createWatch(callers: Callers, log: Log): Watch {
  const open = new Map<string, { proof: Proof; cuts: Set<() => void> }>()
  let timer: NodeJS.Timeout | null = null
  let looking = false

  async function look(): Promise<void> {
    if (looking) return
    looking = true
    await Promise.all([...open].map(([key, kept]) => lookAt(key, kept.proof))).catch((error: unknown) =>
      // What cannot be looked up stays open: an outage of the store must not cut every terminal.
      log.debug('open requests not checked', { error }),
    )
    looking = false
  }

  async function lookAt(key: string, proof: Proof): Promise<void> {
    if (await stillCounts(callers, proof)) return
    const cuts = open.get(key)?.cuts ?? []
    for (const cut of cuts) cut()
  }

  return {
    keep(proof, cut) {
      const key = keyOf(proof)
      const kept = open.get(key) ?? { proof, cuts: new Set<() => void>() }
      kept.cuts.add(cut)
      open.set(key, kept)
      timer ??= setInterval(() => void look(), LOOK_EVERY_MS).unref()
      return () => {
        kept.cuts.delete(cut)
        if (kept.cuts.size === 0 && open.get(key) === kept) open.delete(key)
        if (open.size > 0 || timer === null) return
        clearInterval(timer)
        timer = null
      }
    },
  }
}

/** Requests that saw different rights are different, so that a change between them is noticed for the older one. */
const keyOf = (proof: Proof): string =>
  JSON.stringify(['token' in proof ? proof.token.id : proof.session.hash, proof.caller.kind, proof.caller.memberships])
