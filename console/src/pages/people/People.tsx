/** Who has an account here, and who is asked to get one: for operators. */
import { useEffect, useState } from 'react'
import { Link } from 'wouter'
import type { InvitationView, UserView } from '../../../../core/contract/identity.ts'
import { call, part } from '../../api/client.ts'
import { refresh, useGet } from '../../api/queries.ts'
import { tenantPath } from '../../text/attention.ts'
import { Button } from '../../ui/Button.tsx'
import { AskButton } from '../../ui/Dialogs.tsx'
import { Ago, Empty, PageHead, SearchField, Status, Tag } from '../../ui/parts.tsx'
import { TableCard } from '../../ui/Table.tsx'
import { InviteOperator, MakeAccount } from './NewPeople.tsx'
import { PersonMenu } from './PersonMenu.tsx'

export function People() {
  const asked = useGet<{ users: UserView[] }>('/v1/users')
  const [text, setText] = useState('')
  const [making, setMaking] = useState<'account' | 'operator' | null>(null)
  useEffect(() => {
    document.title = 'People · Berth'
  }, [])
  const shown = asked.data?.users.filter(({ email, name }) =>
    `${email} ${name}`.toLowerCase().includes(text.toLowerCase()),
  )
  return (
    <>
      <PageHead title="People">
        <SearchField label="Filter people" value={text} onChange={setText} />
        <Button onClick={() => setMaking('account')}>New account</Button>
        <Button kind="primary" icon="plus" onClick={() => setMaking('operator')}>
          Invite an operator
        </Button>
      </PageHead>
      <TableCard
        asked={asked}
        rows={shown}
        head={['Person', 'Belongs to', ['Second factor', 'wide'], ['Last signed in', 'wide'], '']}
        empty={
          <Empty title={text === '' ? 'No accounts yet' : `Nobody’s name holds “${text}”`}>
            {text === '' && <p>Invite an operator here, or members on the page of their tenant.</p>}
          </Empty>
        }
        row={(user) => <Row key={user.id} user={user} />}
      />
      <Invitations />
      {making === 'account' && <MakeAccount onClose={() => setMaking(null)} />}
      {making === 'operator' && <InviteOperator onClose={() => setMaking(null)} />}
    </>
  )
}

const Row = ({ user }: { user: UserView }) => (
  <tr>
    <td>
      <span className="strong">{user.name || user.email}</span>
      {user.name !== user.email && user.name !== '' && <div className="small quiet">{user.email}</div>}
    </td>
    <td>
      <span className="row wrap">
        {user.operator && <Tag tone="accent">Operator</Tag>}
        {user.memberships.map(({ tenant, role }) => (
          <span key={tenant} className="nowrap">
            <Link href={tenantPath(tenant)} className="link">
              {tenant}
            </Link>{' '}
            <span className="small faint">{role}</span>
          </span>
        ))}
        {!user.operator && user.memberships.length === 0 && <span className="faint">nothing yet</span>}
      </span>
    </td>
    <td className="wide">
      <Status
        word={
          user.totp
            ? { text: 'On', tone: 'good' }
            : user.operator
              ? { text: 'Missing', tone: 'busy' }
              : { text: 'Off', tone: 'idle' }
        }
      />
    </td>
    <td className="wide quiet">{user.lastLoginAt === null ? 'never' : <Ago at={user.lastLoginAt} />}</td>
    <td className="actions">
      <PersonMenu user={user} />
    </td>
  </tr>
)

function Invitations() {
  const asked = useGet<{ invitations: InvitationView[] }>('/v1/invitations', { optional: true })
  if (!asked.data?.invitations.length) return null
  return (
    <TableCard
      title="Open invitations"
      asked={asked}
      rows={asked.data.invitations}
      head={['Whom', 'To', ['By', 'wide'], ['Ends', 'wide'], '']}
      empty={null}
      row={({ id, email, tenant, role, invitedBy, expiresAt }) => (
        <tr key={id}>
          <td className="strong">{email}</td>
          <td>{tenant === null ? <Tag tone="accent">Operator</Tag> : `${tenant}, as ${role ?? 'member'}`}</td>
          <td className="wide quiet">{invitedBy}</td>
          <td className="wide quiet">
            <Ago at={expiresAt} />
          </td>
          <td className="actions">
            <AskButton
              label="Take back"
              size="small"
              title={`Take the invitation of ${email} back?`}
              effect={<p>The link that they were given works no more.</p>}
              verb="Take it back"
              work={async () => {
                await call('DELETE', `/v1/invitations/${part(id)}`)
                await refresh('/v1/invitations')
              }}
            />
          </td>
        </tr>
      )}
    />
  )
}
