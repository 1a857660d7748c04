/** Tables of what was asked for: their frame, and what stands there while there is nothing, not yet, or not any more to show. */
import type { ReactNode } from 'react'
import type { Listed } from '../api/lists.ts'
import type { Asked } from '../api/queries.ts'
import { Button } from './Button.tsx'
import { Card, Failed, Loading } from './parts.tsx'

/** A title, and the classes of its cells: `num`; `wide` and `wider` are left out on narrow pages. Empty: a column of buttons. */
export type Head = string | readonly [title: string, classes: string]

export const Table = ({ head, kind, children }: { head: readonly Head[]; kind?: string; children: ReactNode }) => (
  <div className="table-wrap">
    <table className={kind === undefined ? 'table' : `table ${kind}`}>
      <thead>
        <tr>
          {head.map((column) => {
            const [title, classes] = typeof column === 'string' ? [column, undefined] : column
            return (
              <th key={title} className={classes}>
                {title || <span className="sr-only">Actions</span>}
              </th>
            )
          })}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  </div>
)

/** What a row is of, and beneath it what it is besides. */
export const Named = ({ name, also }: { name: ReactNode; also?: ReactNode }) => (
  <>
    <span className="strong">{name}</span>
    {also && <div className="small faint">{also}</div>}
  </>
)

type TableCardProps<T> = {
  title?: ReactNode
  aside?: ReactNode
  footer?: ReactNode
  /** Left out: the rows are there. */
  asked?: Pick<Asked<unknown>, 'error' | 'isLoading' | 'again'>
  /** undefined: not known yet. */
  rows: readonly T[] | undefined
  head: readonly Head[]
  kind?: string
  row: (item: T) => ReactNode
  /** What stands there instead of a table without rows. */
  empty: ReactNode
  more?: Listed<T>['more']
}

export function TableCard<T>(props: TableCardProps<T>) {
  const { title, aside, footer, asked, rows, head, kind, row, empty, more } = props
  return (
    <Card title={title} aside={aside} footer={footer} flush>
      {asked?.error && <Failed error={asked.error} again={asked.again} />}
      {asked?.isLoading && <Loading />}
      {rows?.length === 0 && empty}
      {rows && rows.length > 0 && (
        <Table head={head} {...(kind === undefined ? {} : { kind })}>
          {rows.map(row)}
        </Table>
      )}
      {more && <More {...more} />}
    </Card>
  )
}

/** Reads on, where a list has a further page. */
export const More = ({ read, busy, what = 'older' }: NonNullable<Listed<unknown>['more']> & { what?: string }) => (
  <div className="more">
    <Button kind="plain" size="small" busy={busy} onClick={read}>
      Show {what}
    </Button>
  </div>
)
