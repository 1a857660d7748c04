/** How many do something at a time, in all and of each owner. Who waits is let in in order, past those whose owner has enough. */

export type Slots = {
  /** @returns gives the slot back, and may be called twice; null when the signal came first */
  take(owner: string, signal: AbortSignal): Promise<(() => void) | null>
}

export type GitSlots = {
  pushes: Slots
  fetches: Slots
  /** How long one waits for others to be done, before it is told to come later. */
  waitMs: number
}

/** A push is counted until all of it is there; then it waits for its deploy, which takes next to nothing. */
export const createGitSlots = (): GitSlots => ({
  pushes: createSlots({ total: 12, perOwner: 3 }),
  fetches: createSlots({ total: 24, perOwner: 6 }),
  waitMs: 60_000,
})

type Waiting = { owner: string; enter: () => void }

export function createSlots({ total, perOwner }: { total: number; perOwner: number }): Slots {
  const taken = new Map<string, number>()
  let sum = 0
  let queue: Waiting[] = []

  const fits = (owner: string) => sum < total && (taken.get(owner) ?? 0) < perOwner

  function occupy(owner: string): () => void {
    sum++
    taken.set(owner, (taken.get(owner) ?? 0) + 1)
    let isMine = true
    return () => {
      if (!isMine) return
      isMine = false
      sum--
      const left = (taken.get(owner) ?? 1) - 1
      if (left > 0) taken.set(owner, left)
      else taken.delete(owner)
      admit()
    }
  }

  function admit(): void {
    for (const waiting of queue.slice()) if (fits(waiting.owner)) waiting.enter()
  }

  return {
    take(owner, signal) {
      if (fits(owner)) return Promise.resolve(occupy(owner))
      if (signal.aborted) return Promise.resolve(null)
      return new Promise((resolve) => {
        const leave = () => (queue = queue.filter((other) => other !== waiting))
        const giveUp = () => {
          leave()
          resolve(null)
        }
        const waiting: Waiting = {
          owner,
          enter() {
            leave()
            signal.removeEventListener('abort', giveUp)
            resolve(occupy(owner))
          },
        }
        signal.addEventListener('abort', giveUp, { once: true })
        queue.push(waiting)
      })
    },
  }
}
