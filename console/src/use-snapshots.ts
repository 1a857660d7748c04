/** Polls the API while the page is seen. */
import { useCallback, useEffect, useState } from 'react'
import { ApiError, readSnapshot, type Snapshot } from './api.ts'
import { addSamples, type History } from './history.ts'

const POLL_MS = 2000
const ANSWER_WITHIN_MS = 15_000

export type Polled = { snapshot: Snapshot | null; history: History; error: ApiError | null; retry: () => void }

/** The last good snapshot stays while polls fail, beside the error. */
export function useSnapshots(token: string, operator: boolean): Polled {
  const [state, setState] = useState<Omit<Polled, 'retry'>>({ snapshot: null, history: new Map(), error: null })
  const [round, setRound] = useState(0)
  const retry = useCallback(() => setRound((before) => before + 1), [])

  useEffect(() => {
    const stopped = new AbortController()
    const poll = async () => {
      while (!stopped.signal.aborted) {
        if (!document.hidden) {
          const signal = AbortSignal.any([stopped.signal, AbortSignal.timeout(ANSWER_WITHIN_MS)])
          const outcome = await readSnapshot(token, operator, signal).catch(errorOf)
          if (stopped.signal.aborted) return
          setState((before) =>
            outcome instanceof ApiError
              ? { ...before, error: outcome }
              : { snapshot: outcome, history: addSamples(before.history, outcome.instances), error: null },
          )
        }
        await pause(stopped.signal)
      }
    }
    void poll()
    return () => stopped.abort()
  }, [token, operator, round])

  return { ...state, retry }
}

const errorOf = (error: unknown): ApiError =>
  error instanceof ApiError ? error : new ApiError(0, 'The API does not answer.')

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, POLL_MS)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
