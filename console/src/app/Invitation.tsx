/** Somebody was invited: they choose a password, or join with the account that they have. */
import { useEffect, useState } from 'react'
import type { InvitationShown } from '../../../core/contract/identity.ts'
import { useAction } from '../api/actions.ts'
import { call } from '../api/client.ts'
import { findSession, type Session } from '../api/session.ts'
import { Button } from '../ui/Button.tsx'
import { PasswordField, TextField } from '../ui/fields.tsx'
import { Form } from '../ui/Form.tsx'
import { Notice } from '../ui/parts.tsx'

type Props = { code: string; onSignedIn: (session: Session) => void; onOther: () => void }

export function Invitation({ code, onSignedIn, onOther }: Props) {
  const [shown, setShown] = useState<InvitationShown | null>(null)
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const look = useAction(async () =>
    setShown(await call<InvitationShown>('POST', '/v1/invitations/show', { body: { code }, quietly: true })),
  )
  const accept = useAction(async () => {
    const body = { code, password, ...(name.trim() === '' ? {} : { name: name.trim() }) }
    await call('POST', '/v1/invitations/accept', { body, quietly: true })
    const session = await findSession()
    if (session) onSignedIn(session)
  })
  useEffect(() => {
    history.replaceState(null, '', '/')
    void look.run()
    // Once, when the link was opened.
  }, [])
  if (look.error !== null)
    return (
      <>
        <Notice tone="bad">{look.error}</Notice>
        <Button onClick={onOther}>Sign in</Button>
      </>
    )
  if (!shown) return <p className="quiet">Looking at your invitation…</p>
  const where = shown.operator ? 'to operate this platform' : `to ${shown.tenant ?? ''} as ${shown.role ?? 'member'}`
  if (shown.hasAccount)
    return (
      <>
        <p>
          {shown.invitedBy} invites you {where}. You have an account here: sign in as {shown.email} to accept it.
        </p>
        <Button kind="primary" onClick={onOther}>
          Sign in
        </Button>
      </>
    )
  return (
    <Form action={accept} submit="Join" kind="primary">
      <p>
        {shown.invitedBy} invites you {where}. Your account will be <strong>{shown.email}</strong>.
      </p>
      <TextField label="Your name" autoComplete="name" maxLength={100} value={name} onChange={setName} />
      <PasswordField label="A password" kind="new" required value={password} onChange={setPassword} />
    </Form>
  )
}
