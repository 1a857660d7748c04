/** Pages are files of their own, and networks change: what did not come is asked for again before anybody is told. */
const WAITS_MS = [300, 1200, 3000]

export async function fetchAgain<T>(load: () => Promise<T>, waits: readonly number[] = WAITS_MS): Promise<T> {
  const [waitMs, ...later] = waits
  try {
    return await load()
  } catch (error) {
    if (waitMs === undefined) throw error
    await new Promise((resolve) => setTimeout(resolve, waitMs))
    return fetchAgain(load, later)
  }
}
