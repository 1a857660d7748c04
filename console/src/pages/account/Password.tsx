/** A new password; the first one of somebody who came by a link or by single sign-on. */
import { useState } from 'react'
import { useAction } from '../../api/actions.ts'
import { call } from '../../api/client.ts'
import { refresh } from '../../api/queries.ts'
import { PasswordField } from '../../ui/fields.tsx'
import { Form } from '../../ui/Form.tsx'
import { Card } from '../../ui/parts.tsx'
import { say } from '../../ui/toasts.tsx'

export function Password({ isNew }: { isNew: boolean }) {
  const [current, setCurrent] = useState('')
  const [next, setNext] = useState('')
  const action = useAction(async () => {
    await call('POST', '/v1/account/password', { body: { ...(current === '' ? {} : { current }), password: next } })
    setCurrent('')
    setNext('')
    await refresh('/v1/account')
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
