/** Who did what, when, from where, and what came of it. */
import './audit.css'
import { useEffect, useState } from 'react'
import { useLocation, useSearch } from 'wouter'
import type { AuditView } from '../../../../core/contract/audit.ts'
import { useList } from '../../api/lists.ts'
import { moment } from '../../text/format.ts'
import { Ago, Empty, PageHead, SearchField, Status } from '../../ui/parts.tsx'
import { TableCard } from '../../ui/Table.tsx'

type AuditEntry = AuditView['entries'][number]

export function Audit() {
  const search = new URLSearchParams(useSearch())
  const actor = search.get('actor') ?? ''
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
  const query = new URLSearchParams({ limit: '100', ...(actor && { actor }) })
  const asked = useList<AuditEntry>(`/v1/audit?${query.toString()}`, 'entries', { optional: true })
  return (
    <>
      <PageHead title="Audit log">
        <SearchField label="Filter by who did it" value={text} onChange={setText} />
      </PageHead>
      <TableCard
        asked={asked}
        rows={asked.items}
        more={asked.more}
        kind="audit"
        head={['When', 'Who', 'What', ['Changed', 'wide'], 'Result', ['From', 'wider']]}
        empty={
          <Empty title={actor ? `Nothing was done by “${actor}”` : 'Nothing is on record'}>
            <p>Every change, and every try that was refused, is written down here and cannot be changed afterwards.</p>
          </Empty>
        }
        row={(entry) => <Entry key={entry.seq} entry={entry} />}
      />
    </>
  )
}

const Entry = ({ entry }: { entry: AuditEntry }) => (
  <tr>
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
