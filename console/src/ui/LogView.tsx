/** Log lines of any number: only those in view are drawn, and the end is followed until somebody scrolls away from it. */
import './log.css'
import { useEffect, useRef, useState, type ReactNode } from 'react'
import { useVirtualizer } from '@tanstack/react-virtual'
import { Button } from './Button.tsx'

type Props = { count: number; label: string; line: (index: number) => ReactNode; wrap: boolean; empty: ReactNode }

const LINE_HEIGHT = 21
const NEAR_END = 40

export function LogView({ count, label, line, wrap, empty }: Props) {
  const box = useRef<HTMLDivElement>(null)
  const [follows, setFollows] = useState(true)
  const rows = useVirtualizer({
    count,
    getScrollElement: () => box.current,
    estimateSize: () => LINE_HEIGHT,
    overscan: 30,
  })
  useEffect(() => {
    if (follows && count > 0) rows.scrollToIndex(count - 1, { align: 'end' })
  }, [follows, count, rows, wrap])
  return (
    <div className="log-frame">
      <div
        ref={box}
        className={`log ${wrap ? 'wrap' : ''}`}
        role="log"
        aria-label={label}
        aria-live="off"
        tabIndex={0}
        onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
          setFollows(scrollHeight - scrollTop - clientHeight < NEAR_END)
        }}
      >
        {count === 0 ? (
          empty
        ) : (
          <div className="lines" style={{ height: rows.getTotalSize() }}>
            {rows.getVirtualItems().map(({ index, key, start }) => (
              <div
                key={key}
                ref={wrap ? rows.measureElement : undefined}
                data-index={index}
                className="log-line"
                style={{ transform: `translateY(${start}px)` }}
              >
                {line(index)}
              </div>
            ))}
          </div>
        )}
      </div>
      {!follows && count > 0 && (
        <div className="to-end">
          <Button size="small" icon="down" onClick={() => setFollows(true)}>
            Newest
          </Button>
        </div>
      )}
    </div>
  )
}
