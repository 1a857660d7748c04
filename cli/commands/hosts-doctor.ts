/** hosts:doctor: what each host found of itself within the last hour. `berth doctor` looks at this machine, at once. */
import type { DiagnosisView } from '#core/contract/hosts.ts'
import type { Run } from '../context.ts'
import { failed } from '../failures.ts'
import { formatSince } from '../text.ts'
import { byVerdict, verdictCell, wordsOf } from '../verdicts.ts'

type Finding = DiagnosisView['findings'][number]

export const doctor: Run = async ({ client, out, now }, [host], { json, all }) => {
  const api = await client()
  const hosts = host === undefined ? (await api.get('/hosts')).hosts.map(({ id }) => id) : [host]
  const diagnoses: DiagnosisView[] = []
  for (const id of hosts) diagnoses.push(await api.get('/hosts/:host/doctor', { host: id }))
  const rows = diagnoses.flatMap(({ host: of, findings }) =>
    findings.filter(({ verdict }) => all === true || verdict !== 'ok').map((finding) => ({ of, ...finding })),
  )
  rows.sort(byVerdict)
  if (json) out.json({ hosts: diagnoses })
  else {
    if (rows.length > 0)
      out.table(
        ['HOST', 'VERDICT', 'CHECK', 'FOUND'],
        rows.map((finding) => [finding.of, verdictCell(finding), finding.check, finding.found]),
        rows.map(wordsOf),
      )
    for (const { host: of, at, findings } of diagnoses) out.line(summaryOf(of, at, findings, now()))
  }
  const problems = rows.filter(({ verdict }) => verdict === 'problem').length
  if (problems > 0) throw failed(`${problems} problems keep apps from running, or from being kept apart.`)
}

function summaryOf(host: string, at: string | null, findings: Finding[], now: number): string {
  if (at === null) return `${host}: has not looked yet; an older agent never does.`
  const count = (wanted: Finding['verdict']) => findings.filter(({ verdict }) => verdict === wanted).length
  return `${host}: ${count('problem')} problems, ${count('advice')} pieces of advice, ${count('ok')} checks fine (${formatSince(at, now)}).`
}
