/** Who belongs to a tenant, and who is asked to. */
import { useState } from 'react'
import type { InvitationView, MembersView, MemberView } from '../../../../core/contract/identity.ts'
import { useAction } from '../../api/actions.ts'
import { call, part } from '../../api/client.ts'
import { refresh, remove, useGet } from '../../api/queries.ts'
import { useSession, whyNot, type Role } from '../../api/session.ts'
import { Button } from '../../ui/Button.tsx'
import { AskButton, DialogForm, Modal } from '../../ui/Dialogs.tsx'
import { EmailField, SelectField } from '../../ui/fields.tsx'
import { Ago, Card, Empty } from '../../ui/parts.tsx'
import { Named, Table } from '../../ui/Table.tsx'
import { Invite, TakeBack } from '../people/invitations.tsx'

const roles: Role[] = ['viewer', 'member', 'owner']
const rolesExplained = [
  ['viewer', 'Viewer: looks, but changes nothing'],
  ['member', 'Member: deploys and changes apps'],
  ['owner', 'Owner: says who belongs to it, too'],
] as const

export function Members({ tenant }: { tenant: string }) {
  const path = `/v1/tenants/${part(tenant)}`
  const { data } = useGet<MembersView>(`${path}/members`, { optional: true })
  const invited = useGet<{ invitations: InvitationView[] }>(`${path}/invitations`, { optional: true }).data?.invitations
  const session = useSession()
  const { operator } = session
  const why = whyNot(session, 'own', tenant)
  const [inviting, setInviting] = useState(false)
  const [adding, setAdding] = useState(false)
  // A controller without people has tokens alone.
  if (!data) return null
  return (
    <Card
      title="Members"
      aside={
        <>
          {operator && (
            <Button size="small" kind="plain" onClick={() => setAdding(true)}>
              Add an account
            </Button>
          )}
          <Button size="small" icon="plus" why={why} onClick={() => setInviting(true)}>
            Invite
          </Button>
        </>
      }
      flush
    >
      {data.members.length === 0 && !invited?.length ? (
        <Empty title="Nobody belongs to it yet" />
      ) : (
        <Table head={['Person', 'Role', ['Last signed in', 'wide'], '']}>
          {data.members.map((member) => (
            <Row key={member.user.id} tenant={tenant} member={member} why={why} />
          ))}
          {invited?.map((invitation) => (
            <Invited key={invitation.id} list={`${path}/invitations`} invitation={invitation} why={why} />
          ))}
        </Table>
      )}
      {inviting && <InviteMember list={`${path}/invitations`} tenant={tenant} onClose={() => setInviting(false)} />}
      {adding && <Add path={path} tenant={tenant} onClose={() => setAdding(false)} />}
    </Card>
  )
}

function Row({
  tenant,
  member: { user, role, lastLoginAt },
  why,
}: {
  tenant: string
  member: MemberView
  why: string | null
}) {
  const path = `/v1/tenants/${part(tenant)}/members`
  const action = useAction(async (next: string) => {
    await call('PATCH', `${path}/${part(user.id)}`, { body: { role: next } })
    await refresh(path)
  })
  return (
    <tr>
      <td>
        <Named name={user.name || user.email} also={user.name && user.email} />
        {action.error !== null && <div className="small bad-text">{action.error}</div>}
      </td>
      <td>
        {why === null ? (
          <select
            className="input compact"
            aria-label={`Role of ${user.email}`}
            value={role}
            disabled={action.busy}
            onChange={(event) => void action.run(event.target.value)}
          >
            {roles.map((option) => (
              <option key={option}>{option}</option>
            ))}
          </select>
        ) : (
          role
        )}
      </td>
      <td className="wide quiet">{lastLoginAt === null ? 'never' : <Ago at={lastLoginAt} />}</td>
      <td className="actions">
        <AskButton
          label="Remove"
          kind="danger"
          size="small"
          why={why}
          title={`Remove ${user.email} from ${tenant}?`}
          effect={<p>They lose their access to all of {tenant} at once, and their tokens for it end.</p>}
          name={user.email}
          verb="Remove them"
          work={() => remove(path, user.id)}
        />
      </td>
    </tr>
  )
}

type InvitedProps = { list: string; invitation: InvitationView; why: string | null }

const Invited = ({ list, invitation, why }: InvitedProps) => (
  <tr>
    <td>
      <span className="quiet">{invitation.email}</span>
      <div className="small faint">
        invited, until <Ago at={invitation.expiresAt} />
      </div>
    </td>
    <td className="quiet">{invitation.role}</td>
    <td className="wide faint">–</td>
    <td className="actions">
      <TakeBack list={list} invitation={invitation} why={why} />
    </td>
  </tr>
)

function InviteMember({ list, tenant, onClose }: { list: string; tenant: string; onClose: () => void }) {
  const [role, setRole] = useState<Role>('member')
  return (
    <Invite
      list={list}
      title={`Invite somebody to ${tenant}`}
      role={{ role, field: <RoleField value={role} onChange={setRole} /> }}
      onClose={onClose}
    />
  )
}

const RoleField = (props: { value: Role; onChange: (role: Role) => void }) => (
  <SelectField label="Role" options={rolesExplained} {...props} />
)

/** For operators: an account that is there becomes a member without being asked. */
function Add({ path, tenant, onClose }: { path: string; tenant: string; onClose: () => void }) {
  const [email, setEmail] = useState('')
  const [role, setRole] = useState<Role>('member')
  const action = useAction(async () => {
    await call('POST', `${path}/members`, { body: { email: email.trim(), role } })
    await refresh(`${path}/members`)
    onClose()
  })
  return (
    <Modal
      open
      onClose={onClose}
      title={`Add an account to ${tenant}`}
      said="It must be there already; else invite them."
    >
      <DialogForm action={action} submit="Add it" onCancel={onClose}>
        <EmailField label="E-mail" value={email} onChange={setEmail} />
        <RoleField value={role} onChange={setRole} />
      </DialogForm>
    </Modal>
  )
}
