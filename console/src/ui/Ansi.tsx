import { useMemo } from 'react'
import { readAnsi } from '../text/ansi.ts'

/** A line that an app printed: its colours, and no more of what it may mean to a terminal or a browser. */
export function Ansi({ line }: { line: string }) {
  const pieces = useMemo(() => readAnsi(line), [line])
  return pieces.map(({ text, look }, index) =>
    look === '' ? (
      text
    ) : (
      <span key={index} className={look}>
        {text}
      </span>
    ),
  )
}
