/** Something that a person does: it is under way, it worked, or the API's sentence says why not. */
import { useCallback, useState } from 'react'
import { ApiError } from './client.ts'

export type Action<Arguments extends unknown[]> = {
  run: (...values: Arguments) => Promise<boolean>
  busy: boolean
  error: string | null
  clear: () => void
}

/** @returns `run` answers whether it worked, and never throws */
export function useAction<Arguments extends unknown[]>(
  work: (...values: Arguments) => Promise<unknown>,
): Action<Arguments> {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<string | null>(null)
  const run = useCallback(
    async (...values: Arguments): Promise<boolean> => {
      setBusy(true)
      setError(null)
      try {
        await work(...values)
        return true
      } catch (thrown) {
        setError(sentenceOf(thrown))
        return false
      } finally {
        setBusy(false)
      }
    },
    [work],
  )
  return { run, busy, error, clear: () => setError(null) }
}

export const sentenceOf = (thrown: unknown): string =>
  thrown instanceof ApiError || thrown instanceof Error ? thrown.message : String(thrown)
