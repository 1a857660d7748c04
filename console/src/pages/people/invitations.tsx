/** Invitations, to a tenant or to operate: made, and taken back while they are open. */
import { useState, type ReactNode } from 'react'
import type { InvitationCreated, InvitationView } from '../../../../core/contract/identity.ts'
import { call } from '../../api/client.ts'
import { refresh, remove } from '../../api/queries.ts'
import { AskButton } from '../../ui/Dialogs.tsx'
import { EmailField } from '../../ui/fields.tsx'
import { MakeOnce } from '../../ui/MakeOnce.tsx'

/** @property list of the API. @property role in the tenant, and the field that asks for it */
type InviteProps = {
  list: string
  title: string
  said?: string
  role?: { role: string; field: ReactNode }
  onClose: () => void
}

export function Invite({ list, role, ...dialog }: InviteProps) {
  const [email, setEmail] = useState('')
  return (
    <MakeOnce
      {...dialog}
      submit="Make a link"
      make={async () => {
        const body = { email: email.trim(), ...(role ? { role: role.role } : {}) }
        const { url } = await call<InvitationCreated>('POST', list, { body })
        await refresh(list)
        return url
      }}
      told={`Send this link to ${email}. It is shown only now, and works once.`}
      what="the invitation"
    >
      <EmailField label="E-mail" value={email} onChange={setEmail} />
      {role?.field}
    </MakeOnce>
  )
}

type TakeBackProps = { list: string; invitation: InvitationView; why?: string | null }

export const TakeBack = ({ list, invitation: { id, email }, why = null }: TakeBackProps) => (
  <AskButton
    label="Take back"
    size="small"
    why={why}
    title={`Take the invitation of ${email} back?`}
    effect={<p>The link that they were given works no more.</p>}
    verb="Take it back"
    work={() => remove(list, id)}
  />
)
