/** Names that an app answers to, whose they are shown to be, and their certificates. */
import { useCallback, useId, useState } from 'react'
import type {
  AppView,
  AutomaticView,
  CertificatesView,
  DomainsView,
  DomainView,
} from '../../../../core/contract/api.ts'
import { useAction } from '../../api/actions.ts'
import { call, part } from '../../api/client.ts'
import { refresh, useGet } from '../../api/queries.ts'
import { day } from '../../text/format.ts'
import type { Word } from '../../text/words.ts'
import { Button } from '../../ui/Button.tsx'
import { AskButton } from '../../ui/Dialogs.tsx'
import { Ago, Card, CopyButton, Empty, Failed, Loading, Notice, Status, Tag } from '../../ui/parts.tsx'
import { Table } from '../../ui/Table.tsx'
import type { TabProps } from './AppPage.tsx'
import { pathOf, useTold } from './doings.ts'

export function DomainsTab({ app, why }: TabProps) {
  const { data, error, isLoading, again } = useGet<DomainsView>(`${pathOf(app)}/domains`)
  if (error) return <Failed error={error} again={again} />
  if (isLoading || !data) return <Loading lines={5} />
  return (
    <>
      <Card title="Domains" flush>
        <Table head={['Address', 'State', ['Certificate', 'wide'], '']}>
          <tr>
            <td>
              <span className="strong">{data.own}</span> <Tag>The app’s own</Tag>
            </td>
            <td>
              <Status word={{ text: 'Always', tone: 'good' }} />
            </td>
            <td className="wide faint">The platform’s</td>
            <td />
          </tr>
          {data.domains.map((domain) => (
            <Row key={domain.address} app={app} domain={domain} why={why} />
          ))}
        </Table>
        {data.domains.some(({ challenge }) => challenge) && <Challenges domains={data.domains} />}
        <Add app={app} why={why} />
      </Card>
      <Certificates app={app} />
    </>
  )
}

const certificateWords: Record<AutomaticView['state'], Word> = {
  issued: { text: 'Issued', tone: 'good' },
  waiting: { text: 'Waiting', tone: 'busy' },
  failing: { text: 'Failing', tone: 'bad' },
  spared: { text: 'Yours', tone: 'good' },
  off: { text: 'Not automatic', tone: 'idle' },
}

function Row({ app, domain, why }: { app: AppView; domain: DomainView; why: string | null }) {
  const { address, state, check, certificate } = domain
  const path = `${pathOf(app)}/domains/${part(address)}`
  const verify = useTold(
    useCallback(async () => {
      await call('POST', `${path}/verify`)
      await refresh(`${pathOf(app)}/domains`)
    }, [app, path]),
    `DNS was asked about ${address}.`,
  )
  return (
    <tr>
      <td>
        <span className="strong">{address}</span>
        {check && state === 'pending' && <div className="small quiet">{check.problem}</div>}
      </td>
      <td>
        <Status word={state === 'verified' ? { text: 'Verified', tone: 'good' } : { text: 'Pending', tone: 'busy' }} />
      </td>
      <td className="wide">
        {certificate ? (
          <>
            <Status word={certificateWords[certificate.state]} />
            {certificate.problem && <div className="small quiet">{certificate.problem.text}</div>}
          </>
        ) : (
          <span className="faint">–</span>
        )}
      </td>
      <td className="actions">
        <span className="row">
          {state === 'pending' && (
            <Button size="small" why={why} busy={verify.busy} onClick={() => void verify.run()}>
              Check now
            </Button>
          )}
          <AskButton
            label="Give up"
            kind="danger"
            size="small"
            why={why}
            title={`Give ${address} up?`}
            effect={
              <p>Requests to it are not answered by this app any more, at once. Another app may then claim it.</p>
            }
            name={address}
            verb="Give it up"
            work={async () => {
              await call('DELETE', path)
              await refresh(`${pathOf(app)}/domains`)
            }}
          />
        </span>
      </td>
    </tr>
  )
}

const Challenges = ({ domains }: { domains: DomainView[] }) => (
  <div className="body stack tight">
    <p className="quiet small">
      Set these TXT records where the names are managed. DNS is looked into every few minutes.
    </p>
    {domains.map(
      ({ address, challenge }) =>
        challenge && (
          <div key={address} className="copy-line">
            <code>
              {challenge.name} TXT {challenge.value}
            </code>
            <CopyButton text={challenge.value} what={`the record of ${address}`} />
          </div>
        ),
    )}
  </div>
)

function Add({ app, why }: { app: AppView; why: string | null }) {
  const id = useId()
  const [address, setAddress] = useState('')
  const action = useAction(async () => {
    await call('POST', `${pathOf(app)}/domains`, { body: { address: address.trim() } })
    setAddress('')
    await refresh(`${pathOf(app)}/domains`)
  })
  return (
    <form
      className="add-line"
      onSubmit={(event) => {
        event.preventDefault()
        void action.run()
      }}
    >
      <label htmlFor={id} className="sr-only">
        Domain
      </label>
      <input
        id={id}
        className="input"
        placeholder="www.example.com"
        autoComplete="off"
        spellCheck={false}
        required
        value={address}
        onChange={(event) => setAddress(event.target.value)}
      />
      <Button type="submit" busy={action.busy} why={why}>
        Add domain
      </Button>
      {action.error !== null && <Notice tone="bad">{action.error}</Notice>}
    </form>
  )
}

const sources: Record<CertificatesView['certificates'][number]['source'], string> = {
  acme: 'Automatic',
  uploaded: 'Uploaded',
  selfSigned: 'Self-signed',
}

function Certificates({ app }: { app: AppView }) {
  const { data, isLoading } = useGet<CertificatesView>(`${pathOf(app)}/certificates`, { optional: true })
  if (isLoading || !data) return null
  const soon = Date.now() + 14 * 86_400_000
  return (
    <Card title="Certificates" flush>
      {data.certificates.length === 0 ? (
        <Empty title="No certificate of this app’s own">
          <p>
            Its own address uses the platform’s; verified domains get one by themselves where the operator has set up an
            authority.
          </p>
        </Empty>
      ) : (
        <Table head={['Names', 'Source', ['Issuer', 'wide'], 'Until', ['Added', 'wide']]}>
          {data.certificates.map(({ id, names, source, issuer, validTo, addedAt }) => (
            <tr key={id}>
              <td className="strong">{names.join(', ')}</td>
              <td>{sources[source]}</td>
              <td className="wide quiet">{issuer}</td>
              <td>
                {Date.parse(validTo) < soon ? (
                  <Status word={{ text: day(Date.parse(validTo)), tone: 'busy' }} />
                ) : (
                  day(Date.parse(validTo))
                )}
              </td>
              <td className="wide quiet">
                <Ago at={addedAt} />
              </td>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  )
}
