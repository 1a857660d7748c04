/** Somebody new: an account that an operator makes, or a link by which a second operator makes their own. */
import { useState } from 'react'
import type { LoginLinkView, UserView } from '../../../../core/contract/identity.ts'
import { call, part } from '../../api/client.ts'
import { refresh } from '../../api/queries.ts'
import { EmailField, TextField } from '../../ui/fields.tsx'
import { MakeOnce } from '../../ui/MakeOnce.tsx'
import { Invite } from './invitations.tsx'

export function MakeAccount({ onClose }: { onClose: () => void }) {
  const [email, setEmail] = useState('')
  const [name, setName] = useState('')
  return (
    <MakeOnce
      title="New account"
      said="It may do nothing until it is put into a tenant, on the tenant’s page."
      submit="Make it"
      make={async () => {
        const body = { email: email.trim(), ...(name.trim() === '' ? {} : { name: name.trim() }) }
        const { id } = await call<UserView>('POST', '/v1/users', { body })
        await refresh('/v1/users')
        return (await call<LoginLinkView>('POST', `/v1/users/${part(id)}/login-links`)).url
      }}
      told={`Send this link to ${email}: it signs them in once, to set a password. It is shown only now.`}
      what="the login link"
      onClose={onClose}
    >
      <EmailField label="E-mail" value={email} onChange={setEmail} />
      <TextField label="Name" maxLength={100} value={name} onChange={setName} />
    </MakeOnce>
  )
}

export const InviteOperator = ({ onClose }: { onClose: () => void }) => (
  <Invite
    list="/v1/invitations"
    title="Invite an operator"
    said="Operators see and change everything: hosts, tenants and their secrets."
    onClose={onClose}
  />
)
