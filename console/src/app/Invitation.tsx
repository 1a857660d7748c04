/** Somebody was invited: they choose a password, or join with the account that they have. */
import { useEffect, useId, useState } from 'react'
import { useAction } from '../api/actions.ts'
import { call } from '../api/client.ts'
import { findSession, type Session } from '../api/session.ts'
import type { InvitationShown } from '../api/views.ts'
import { Button } from '../ui/Button.tsx'
import { Notice } from '../ui/parts.tsx'

type Props = { code: string; onSignedIn: (session: Session) => void; onOther: () => void }

export function Invitation({ code, onSignedIn, onOther }: Props) {
  const [nameId, passwordId] = [useId(), useId()]
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
    <form
      onSubmit={(event) => {
        event.preventDefault()
        void accept.run()
      }}
    >
      <p>
        {shown.invitedBy} invites you {where}. Your account will be <strong>{shown.email}</strong>.
      </p>
      <div className="field">
        <label htmlFor={nameId}>Your name</label>
        <input
          id={nameId}
          className="input"
          autoComplete="name"
          maxLength={100}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
      </div>
      <div className="field">
        <label htmlFor={passwordId}>A password</label>
        <input
          id={passwordId}
          className="input"
          type="password"
          autoComplete="new-password"
          required
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
      </div>
      {accept.error !== null && <Notice tone="bad">{accept.error}</Notice>}
      <Button type="submit" kind="primary" busy={accept.busy}>
        Join
      </Button>
    </form>
  )
}
