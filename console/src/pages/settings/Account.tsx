/** The password and the second factor of somebody who signed in as a person, and where they are signed in. */
import { useState } from 'react'
import type { UserView } from '../../../../core/contract/identity.ts'
import { useAction } from '../../api/actions.ts'
import { call } from '../../api/client.ts'
import { useGet } from '../../api/queries.ts'
import { useSession } from '../../api/session.ts'
import { PasswordField } from '../../ui/fields.tsx'
import { Form } from '../../ui/Form.tsx'
import { Card } from '../../ui/parts.tsx'
import { say } from '../../ui/toasts.tsx'
import { SecondFactor } from './SecondFactor.tsx'
import { Sessions } from './Sessions.tsx'

export function Account() {
  const { byToken, email } = useSession()
  const isPerson = !byToken && email !== null
  const account = useGet<UserView>(isPerson ? '/v1/account' : null, { optional: true }).data
  if (byToken) return null
  return (
    <>
      {isPerson && (
        <div className="columns two">
          <Password isNew={account?.password === false} />
          <SecondFactor isOn={account?.totp ?? false} />
        </div>
      )}
      <Sessions />
    </>
  )
}

function Password({ isNew }: { isNew: boolean }) {
  const [current, setCurrent] = useState('')
  const [next, setNext] = useState('')
  const action = useAction(async () => {
    await call('POST', '/v1/account/password', { body: { ...(current === '' ? {} : { current }), password: next } })
    setCurrent('')
    setNext('')
    say('Your password is changed. Your other sessions have ended.')
  })
  return (
    <Card title="Password">
      <Form action={action} submit={isNew ? 'Set password' : 'Change password'}>
        {!isNew && <PasswordField label="Current password" kind="current" value={current} onChange={setCurrent} />}
        <PasswordField label="New password" kind="new" required value={next} onChange={setNext} />
      </Form>
    </Card>
  )
}
