import type { ReactNode } from 'react'

export type Row = {
  key: string
  cells: ReactNode[]
  /** A sentence about the row, shown across the whole width below it. */
  note?: { text: string; bad: boolean } | null
}

/**
 * A table that turns into cards on narrow screens. The roles are spelt out because browsers drop a table's meaning when
 * CSS displays it as something else.
 */
export function Table({ label, head, rows }: { label: string; head: string[]; rows: Row[] }) {
  return (
    <table role="table" aria-label={label}>
      <thead role="rowgroup">
        <tr role="row">
          {head.map((title) => (
            <th key={title} role="columnheader" scope="col">
              {title}
            </th>
          ))}
        </tr>
      </thead>
      {rows.map((row) => (
        <tbody key={row.key} role="rowgroup">
          <tr role="row">
            {row.cells.map((cell, index) =>
              index === 0 ? (
                <th key={head[index]} role="rowheader" scope="row">
                  {cell}
                </th>
              ) : (
                <td key={head[index]} role="cell" data-label={head[index]}>
                  {cell}
                </td>
              ),
            )}
          </tr>
          {row.note ? (
            <tr role="row" className={row.note.bad ? 'note bad' : 'note'}>
              <td role="cell" colSpan={head.length}>
                {row.note.text}
              </td>
            </tr>
          ) : null}
        </tbody>
      ))}
    </table>
  )
}
