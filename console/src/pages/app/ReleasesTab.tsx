/** Every release, what is different between any two, and the way back to one. */
import { useId } from 'react'
import { Link, useLocation, useSearch } from 'wouter'
import type { AppView, ReleaseView } from '../../../../core/contract/api.ts'
import { useList } from '../../api/lists.ts'
import { appPath } from '../../text/attention.ts'
import { shortCommit } from '../../text/format.ts'
import { diffReleases } from '../../text/release-diff.ts'
import { headline, releaseState } from '../../text/words.ts'
import { AskButton } from '../../ui/Dialogs.tsx'
import { Ago, Card, Empty, Failed, Loading, Status } from '../../ui/parts.tsx'
import { More, Table } from '../../ui/Table.tsx'
import type { TabProps } from './AppPage.tsx'
import { pathOf, rollBack } from './doings.ts'

export function ReleasesTab({ app, why }: TabProps) {
  const { items, error, isLoading, again, more } = useList<ReleaseView>(`${pathOf(app)}/releases?limit=100`, 'releases')
  if (error) return <Failed error={error} again={again} />
  if (isLoading || !items) return <Loading lines={6} />
  const releases = [...items].sort((a, b) => b.version - a.version)
  if (releases.length === 0)
    return (
      <Card>
        <Empty title="No release yet">
          <p>A push, a rollback or a change of config makes one.</p>
        </Empty>
      </Card>
    )
  return (
    <>
      <Card title="Releases" flush>
        <Table head={['Release', 'State', 'What', ['Commit', 'wide'], ['By', 'wider'], ['When', 'wide'], '']}>
          {releases.map((release) => (
            <Row key={release.version} app={app} release={release} before={releases} why={why} />
          ))}
        </Table>
        {more && <More {...more} />}
      </Card>
      <Compare releases={releases} />
    </>
  )
}

type RowProps = { app: AppView; release: ReleaseView; before: ReleaseView[]; why: string | null }

function Row({ app, release, before, why }: RowProps) {
  const [path, go] = useLocation()
  const { version, commit, subject, actor, createdAt, current, codeGone, sizes } = release
  const what = headline(release)
  const earlier = before.find((other) => other.version < version && other.sizes === null)
  const cannot = current
    ? 'This release serves already.'
    : codeGone
      ? 'Its code is not kept any more.'
      : sizes
        ? 'A change of sizes holds no code to go back to.'
        : null
  return (
    <tr>
      <td className="name">v{version}</td>
      <td>
        <Status word={releaseState(release)} />
      </td>
      <td>
        {what}
        {subject !== null && subject !== what && <div className="small faint">{subject}</div>}
      </td>
      <td className="wide">
        {commit === null ? <span className="faint">–</span> : <code>{shortCommit(commit)}</code>}
      </td>
      <td className="wider quiet">{actor}</td>
      <td className="wide quiet">
        <Ago at={createdAt} />
      </td>
      <td className="actions">
        <span className="row">
          {earlier && sizes === null && (
            <Link
              className="link small"
              href={`${path}?from=${earlier.version}&to=${version}`}
              aria-label={`Diff of v${version}`}
            >
              Diff
            </Link>
          )}
          {cannot === null && (
            <AskButton
              label="Roll back"
              size="small"
              why={why}
              title={`Roll ${app.name} back to v${version}?`}
              effect={
                <p>
                  A new release is made with the code and the config of v{version}, and its instances take over without
                  downtime. What was released since stays in the list.
                </p>
              }
              name={app.name}
              verb={`Roll back to v${version}`}
              work={async () => {
                const { deploy } = await rollBack(app, version)
                go(`${appPath(app.name)}/deploys/${deploy.id}`)
              }}
            />
          )}
        </span>
      </td>
    </tr>
  )
}

/** The address says which two, so that a comparison can be sent to somebody. */
function Compare({ releases }: { releases: ReleaseView[] }) {
  const code = releases.filter(({ sizes }) => sizes === null)
  const search = new URLSearchParams(useSearch())
  const [path, go] = useLocation()
  const find = (name: string, usual: ReleaseView | undefined): ReleaseView | undefined =>
    code.find(({ version }) => String(version) === search.get(name)) ?? usual
  const to = find('to', code[0])
  const from = find(
    'from',
    code.find(({ version }) => version < (to?.version ?? 0)),
  )
  if (!to || !from) return null
  const parts = diffReleases(from, to)
  const choose = (which: 'from' | 'to', version: string): void => {
    const next = { from: String(from.version), to: String(to.version), [which]: version }
    go(`${path}?from=${next.from}&to=${next.to}`, { replace: true })
  }
  return (
    <Card
      title="Compare"
      aside={
        <span className="release-select small">
          <Choice label="From" value={from} options={code} onChange={(version) => choose('from', version)} />
          <span aria-hidden="true">→</span>
          <Choice label="To" value={to} options={code} onChange={(version) => choose('to', version)} />
        </span>
      }
    >
      {parts.length === 0 ? (
        <p className="quiet">
          The same code, processes and config names. Values of config vars may differ; they are not shown.
        </p>
      ) : (
        <div className="diff">
          {parts.map(({ title, lines }) => (
            <section key={title}>
              <h3>{title}</h3>
              <div className="lines" tabIndex={0} role="group" aria-label={title}>
                {lines.map(({ kind, text }) => (
                  <div key={kind + text} className={kind}>
                    {kind === 'added' ? '+ ' : kind === 'removed' ? '− ' : '  '}
                    {text}
                  </div>
                ))}
              </div>
            </section>
          ))}
        </div>
      )}
    </Card>
  )
}

type ChoiceProps = { label: string; value: ReleaseView; options: ReleaseView[]; onChange: (version: string) => void }

function Choice({ label, value, options, onChange }: ChoiceProps) {
  const id = useId()
  return (
    <>
      <label htmlFor={id} className="sr-only">
        {label}
      </label>
      <select
        id={id}
        className="input compact"
        value={value.version}
        onChange={(event) => onChange(event.target.value)}
      >
        {options.map(({ version }) => (
          <option key={version} value={version}>
            v{version}
          </option>
        ))}
      </select>
    </>
  )
}
