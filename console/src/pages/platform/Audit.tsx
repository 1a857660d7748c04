/** Who did what, when, from where, and what came of it. */
import './audit.css'
import { useEffect, useState } from 'react'
import { useLocation, useSearch } from 'wouter'
import { useGet } from '../../api/queries.ts'
import type { AuditEntry, AuditView } from '../../api/views.ts'
import { moment } from '../../text/format.ts'
import { Button } from '../../ui/Button.tsx'
import { Ago, Card, Empty, Failed, Loading, PageHead, SearchField, Status } from '../../ui/parts.tsx'

export function Audit() {
  const search = new URLSearchParams(useSearch())
  const actor = search.get('actor') ?? ''
  const cursor = search.get('cursor')
  const [path, go] = useLocation()
  const [text, setText] = useState(actor)
  useEffect(() => {
    document.title = 'Audit log · Berth'
  }, [])
  useEffect(() => {
    if (text === actor) return
    const timer = setTimeout(
      () => go(text === '' ? path : `${path}?actor=${encodeURIComponent(text)}`, { replace: true }),
      300,
    )
    return () => clearTimeout(timer)
  }, [text, actor, go, path])
  const query = new URLSearchParams({ limit: '100', ...(actor && { actor }), ...(cursor && { cursor }) })
  const { data, error, isLoading, again } = useGet<AuditView>(`/v1/audit?${query.toString()}`, { optional: true })
  return (
    <>
      <PageHead title="Audit log">
        <SearchField label="Filter by who did it" value={text} onChange={setText} />
      </PageHead>
      <Card flush>
        {error && <Failed error={error} again={again} />}
        {isLoading && <Loading lines={8} />}
        {!isLoading && !error && !data?.entries.length && (
          <Empty title={actor ? `Nothing was done by “${actor}”` : 'Nothing is on record'}>
            <p>Every change, and every try that was refused, is written down here and cannot be changed afterwards.</p>
          </Empty>
        )}
        {data && data.entries.length > 0 && <Entries entries={data.entries} />}
      </Card>
      {(cursor || data?.next) && (
        <div className="row between">
          <Button disabled={!cursor} onClick={() => go(actor ? `${path}?actor=${encodeURIComponent(actor)}` : path)}>
            Newest
          </Button>
          <Button
            disabled={!data?.next}
            onClick={() => {
              const next = new URLSearchParams({ ...(actor && { actor }), cursor: data?.next ?? '' })
              go(`${path}?${next.toString()}`)
            }}
          >
            Older
          </Button>
        </div>
      )}
    </>
  )
}

const Entries = ({ entries }: { entries: AuditEntry[] }) => (
  <div className="table-wrap">
    <table className="table audit">
      <thead>
        <tr>
          <th>When</th>
          <th>Who</th>
          <th>What</th>
          <th className="wide">Changed</th>
          <th>Result</th>
          <th className="wider">From</th>
        </tr>
      </thead>
      <tbody>
        {entries.map((entry) => (
          <tr key={entry.seq}>
            <td className="quiet" title={moment(Date.parse(entry.at))}>
              <Ago at={entry.at} />
            </td>
            <td>
              <span className="strong">{entry.actor.name}</span>
              <div className="small faint">
                {entry.actor.standsIn ? `operator, in place of ${entry.tenant}` : entry.actor.kind}
              </div>
            </td>
            <td>
              <code>{entry.operation}</code>
              <div className="small quiet">{[entry.tenant, entry.app].filter(Boolean).join(' / ')}</div>
            </td>
            <td className="wide small">
              <Changes entry={entry} />
            </td>
            <td>
              <Result result={entry.result} />
            </td>
            <td className="wider small quiet">{entry.from?.address ?? '–'}</td>
          </tr>
        ))}
      </tbody>
    </table>
  </div>
)

const SHOWN = 3

const Changes = ({ entry: { changes } }: { entry: AuditEntry }) =>
  changes.length === 0 ? (
    <span className="faint">–</span>
  ) : (
    <ul>
      {changes.slice(0, SHOWN).map(({ field, before, after }) => (
        <li key={field} className="change">
          <span className="quiet">{field}</span> {short(before)} → {short(after)}
        </li>
      ))}
      {changes.length > SHOWN && <li className="faint">and {changes.length - SHOWN} more</li>}
    </ul>
  )

function Result({ result: { status, code } }: { result: AuditEntry['result'] }) {
  const isOk = status !== null && status < 400
  const text = isOk ? 'Done' : (code ?? `Status ${status ?? 'unknown'}`)
  return <Status word={{ text, tone: isOk ? 'good' : 'bad' }} />
}

function short(value: unknown): string {
  if (value === undefined || value === null) return 'none'
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
