/** A table of any length: only the rows in view exist. It is a grid of links and figures, read row by row. */
import { useRef, type ReactNode } from 'react'
import { useWindowVirtualizer } from '@tanstack/react-virtual'

export type Column<T> = {
  title: string
  /** A track of CSS grid: `minmax(120px, 2fr)`. */
  width: string
  cell: (item: T) => ReactNode
  /** Below which it is left out. */
  from?: 'wide' | 'wider'
  num?: boolean
}

type RowsProps<T> = {
  label: string
  items: T[]
  keyOf: (item: T) => string
  columns: Column<T>[]
  rowHeight?: number
}

/** What leaves on narrow pages must leave the template, too: see the templates in Rows.css. */
export function Rows<T>({ label, items, keyOf, columns, rowHeight = 48 }: RowsProps<T>) {
  const space = useRef<HTMLDivElement>(null)
  const rows = useWindowVirtualizer({
    count: items.length,
    estimateSize: () => rowHeight,
    overscan: 12,
    scrollMargin: space.current?.offsetTop ?? 0,
    getItemKey: (index) => keyOf(items[index] as T),
  })
  const template = (without: string[]): string =>
    columns
      .filter(({ from }) => from === undefined || !without.includes(from))
      .map(({ width }) => width)
      .join(' ')
  return (
    <div
      className="rows"
      role="table"
      aria-label={label}
      aria-rowcount={items.length + 1}
      style={
        {
          '--columns': template([]),
          '--columns-wide': template(['wider']),
          '--columns-narrow': template(['wide', 'wider']),
        } as React.CSSProperties
      }
    >
      <div role="rowgroup">
        <div className="head" role="row" aria-rowindex={1}>
          {columns.map(({ title, from, num }) => (
            <span key={title} role="columnheader" className={classes(from, num)}>
              {title || <span className="sr-only">Actions</span>}
            </span>
          ))}
        </div>
      </div>
      <div ref={space} className="space" role="rowgroup" style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map(({ index, key, start }) => {
          const item = items[index] as T
          return (
            <div
              key={key}
              className="line"
              role="row"
              aria-rowindex={index + 2}
              style={{ height: rowHeight, transform: `translateY(${start - rows.options.scrollMargin}px)` }}
            >
              {columns.map(({ title, cell, from, num }) => (
                <div key={title} role="cell" className={classes(from, num)}>
                  {cell(item)}
                </div>
              ))}
            </div>
          )
        })}
      </div>
    </div>
  )
}

const classes = (from: string | undefined, num: boolean | undefined): string =>
  [from, num && 'num', 'clip'].filter(Boolean).join(' ')
