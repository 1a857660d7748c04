/** A listener whose mistakes are ours: they are told, and cost what it was about, never the process. */
export const guarded =
  <Arguments extends unknown[]>(listener: (...told: Arguments) => void, onMistake: (error: unknown) => void) =>
  (...told: Arguments): void => {
    try {
      listener(...told)
    } catch (error) {
      onMistake(error)
    }
  }
