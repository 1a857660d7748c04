/** Follows an app's log while its page is open; begins anew when the stream breaks off. */
import { useEffect, useRef, useState } from 'react'
import type { LogLine } from '../../../../core/contract/api.ts'
import { sentenceOf } from '../../api/actions.ts'
import { ApiError, readLines } from '../../api/client.ts'
import { LogBuffer, type Shown } from './log-buffer.ts'

const FIRST_LINES = 1000
const AGAIN_MS = 2000

export type Log = { lines: Shown[]; state: 'loading' | 'following' | 'again'; error: string | null }

/** @param paused what comes is kept, and shown later */
export function useLog(path: string, paused: boolean): Log {
  const buffer = useRef(new LogBuffer())
  const [log, setLog] = useState<Log>({ lines: [], state: 'loading', error: null })
  const isPaused = useRef(paused)
  isPaused.current = paused

  useEffect(() => {
    const stopped = new AbortController()
    const { signal } = stopped
    let frame = 0
    const show = (): void => {
      frame ||= requestAnimationFrame(() => {
        frame = 0
        if (!isPaused.current) setLog({ lines: buffer.current.lines(), state: 'following', error: null })
      })
    }
    const follow = async (): Promise<void> => {
      while (!signal.aborted) {
        let first = true
        const onLines = (lines: LogLine[]): void => {
          if (first) buffer.current.begin()
          first = false
          buffer.current.add(lines)
          show()
        }
        setLog((before) => ({ ...before, state: before.state === 'loading' ? 'following' : before.state }))
        const error = await readLines(`${path}?tail=1&n=${FIRST_LINES}`, onLines, signal).catch(
          (thrown: unknown) => thrown,
        )
        if (signal.aborted) return
        setLog((before) => ({ ...before, state: 'again', error: error === undefined ? null : sentenceOf(error) }))
        if (error instanceof ApiError && [401, 403, 404].includes(error.status)) return
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
      }
    }
    void follow()
    return () => {
      stopped.abort()
      cancelAnimationFrame(frame)
    }
  }, [path])

  useEffect(() => {
    if (!paused) setLog((before) => ({ ...before, lines: buffer.current.lines() }))
  }, [paused])
  return log
}
