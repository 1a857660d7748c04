/** Who has an account here, and who is asked to get one: for operators. */
import { useEffect, useState } from 'react'
import { Link } from 'wouter'
import type { InvitationView, UserView } from '../../../../core/contract/identity.ts'
import { useGet } from '../../api/queries.ts'
import { tenantPath } from '../../text/attention.ts'
import { Button } from '../../ui/Button.tsx'
import { Ago, Empty, PageHead, SearchField, Status, Tag } from '../../ui/parts.tsx'
import { Named, TableCard } from '../../ui/Table.tsx'
import { TakeBack } from './invitations.tsx'
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
      <Named name={user.name || user.email} also={user.name && user.name !== user.email && user.email} />
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
      row={(invitation) => (
        <tr key={invitation.id}>
          <td className="strong">{invitation.email}</td>
          <td>
            {invitation.tenant === null ? (
              <Tag tone="accent">Operator</Tag>
            ) : (
              `${invitation.tenant}, as ${invitation.role ?? 'member'}`
            )}
          </td>
          <td className="wide quiet">{invitation.invitedBy}</td>
          <td className="wide quiet">
            <Ago at={invitation.expiresAt} />
          </td>
          <td className="actions">
            <TakeBack list="/v1/invitations" invitation={invitation} />
          </td>
        </tr>
      )}
    />
  )
}
