/** Somebody new: an account that an operator makes, or a link by which a second operator makes their own. */
import { useState } from 'react'
import type { InvitationCreated, LoginLinkView, UserView } from '../../../../core/contract/identity.ts'
import { useAction } from '../../api/actions.ts'
import { call, part } from '../../api/client.ts'
import { refresh } from '../../api/queries.ts'
import { DialogForm, Modal } from '../../ui/Dialogs.tsx'
import { EmailField, TextField } from '../../ui/fields.tsx'
import { ShownOnce } from '../../ui/ShownOnce.tsx'

export function MakeAccount({ onClose }: { onClose: () => void }) {
  const [email, setEmail] = useState('')
  const [name, setName] = useState('')
  const [link, setLink] = useState<string | null>(null)
  const action = useAction(async () => {
    const body = { email: email.trim(), ...(name.trim() === '' ? {} : { name: name.trim() }) }
    const { id } = await call<UserView>('POST', '/v1/users', { body })
    await refresh('/v1/users')
    setLink((await call<LoginLinkView>('POST', `/v1/users/${part(id)}/login-links`)).url)
  })
  return (
    <Modal
      open
      onClose={onClose}
      title="New account"
      said="It may do nothing until it is put into a tenant, on the tenant’s page."
    >
      {link === null ? (
        <DialogForm action={action} submit="Make it" onCancel={onClose}>
          <EmailField label="E-mail" value={email} onChange={setEmail} />
          <TextField label="Name" maxLength={100} value={name} onChange={setName} />
        </DialogForm>
      ) : (
        <ShownOnce
          text={`Send this link to ${email}: it signs them in once, to set a password. It is shown only now.`}
          secret={link}
          what="the login link"
          onClose={onClose}
        />
      )}
    </Modal>
  )
}

export function InviteOperator({ onClose }: { onClose: () => void }) {
  const [email, setEmail] = useState('')
  const [link, setLink] = useState<string | null>(null)
  const action = useAction(async () => {
    const { url } = await call<InvitationCreated>('POST', '/v1/invitations', { body: { email: email.trim() } })
    await refresh('/v1/invitations')
    setLink(url)
  })
  return (
    <Modal
      open
      onClose={onClose}
      title="Invite an operator"
      said="Operators see and change everything: hosts, tenants and their secrets."
    >
      {link === null ? (
        <DialogForm action={action} submit="Make a link" onCancel={onClose}>
          <EmailField label="E-mail" value={email} onChange={setEmail} />
        </DialogForm>
      ) : (
        <ShownOnce
          text={`Send this link to ${email}. It is shown only now, and works once.`}
          secret={link}
          what="the invitation"
          onClose={onClose}
        />
      )}
    </Modal>
  )
}
