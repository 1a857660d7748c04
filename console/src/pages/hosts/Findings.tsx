/** What the host's doctor found when it last looked: what is wrong first, with what mends it. */
import { useCallback } from 'react'
import type { DiagnosisView } from '../../../../core/contract/hosts.ts'
import { part } from '../../api/client.ts'
import { refresh, useGet } from '../../api/queries.ts'
import { useChange } from '../../live/hooks.ts'
import { plural } from '../../text/format.ts'
import type { Word } from '../../text/words.ts'
import { Ago, Card, CopyLine, Empty, Failed, Loading, Status } from '../../ui/parts.tsx'

type Finding = DiagnosisView['findings'][number]

const words: Record<Finding['verdict'], (check: string) => Word> = {
  problem: (text) => ({ text, tone: 'bad' }),
  advice: (text) => ({ text, tone: 'busy' }),
  ok: (text) => ({ text, tone: 'good' }),
}

/** A host that has just joined is looked at within seconds; after that, once an hour. */
const FIRST_LOOK_MS = 1000
const NEXT_LOOK_MS = 60_000

export function Findings({ host }: { host: string }) {
  const path = `/v1/hosts/${part(host)}/doctor`
  const { data, error, isLoading, again } = useGet<DiagnosisView>(path)
  const refreshed = useCallback(() => void refresh(path), [path])
  // Whatever the host reports may be what its doctor found.
  useChange('hosts', `id:${host}`, data?.at == null ? FIRST_LOOK_MS : NEXT_LOOK_MS, refreshed)
  const about = (verdict: Finding['verdict']): Finding[] =>
    data?.findings.filter((finding) => finding.verdict === verdict) ?? []
  const well = about('ok')
  const told = [...about('problem'), ...about('advice')]
  return (
    <Card title="Doctor" aside={data?.at && <Looked at={data.at} />} flush>
      {error && <Failed error={error} again={again} />}
      {isLoading && <Loading />}
      {data && data.at === null && (
        <Empty title="It has not looked yet">
          <p>An agent examines its machine when it starts, and again each hour.</p>
        </Empty>
      )}
      {data && data.at !== null && told.length === 0 && <Empty title="All is well with this machine" />}
      {told.length > 0 && (
        <ul className="list findings">
          {told.map((finding) => (
            <Told key={finding.check + finding.found} finding={finding} />
          ))}
        </ul>
      )}
      {well.length > 0 && (
        <details className="well">
          <summary className="small quiet">{plural(well.length, 'check')} found nothing</summary>
          <ul className="small quiet">
            {well.map(({ check, found }) => (
              <li key={check + found}>
                {check}: {found}
              </li>
            ))}
          </ul>
        </details>
      )}
    </Card>
  )
}

const Looked = ({ at }: { at: string }) => (
  <span className="small faint">
    looked <Ago at={at} />
  </span>
)

const Told = ({ finding: { check, verdict, found, why, remedy } }: { finding: Finding }) => (
  <li className="stack tight">
    <Status word={words[verdict](check)} />
    <p className="small">
      {found} {why}
    </p>
    {remedy !== null && <CopyLine text={remedy} what={`the remedy for ${check}`} />}
  </li>
)
