/** One after the other, per key: whoever takes a turn has it until it gives it back; the others wait in order. */
export type Turns = {
  /** @param onWait called when somebody else has the turn. @returns gives the turn back; calling it twice does nothing */
  take(key: string, onWait?: () => void): Promise<() => void>
  /** Runs `act` in its turn. */
  run<T>(key: string, act: () => Promise<T>): Promise<T>
}

export function createTurns(): Turns {
  const last = new Map<string, Promise<void>>()

  async function take(key: string, onWait?: () => void): Promise<() => void> {
    const before = last.get(key)
    const { promise: mine, resolve: giveBack } = Promise.withResolvers<void>()
    last.set(key, mine)
    if (before) {
      onWait?.()
      await before
    }
    return () => {
      giveBack()
      if (last.get(key) === mine) last.delete(key)
    }
  }

  return {
    take,
    async run(key, act) {
      const giveBack = await take(key)
      try {
        return await act()
      } finally {
        giveBack()
      }
    },
  }
}
