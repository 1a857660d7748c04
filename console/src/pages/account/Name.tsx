/** What somebody is called: on releases, events and the audit log, from now on. */
import { useState } from 'react'
import { useAction } from '../../api/actions.ts'
import { call } from '../../api/client.ts'
import { refresh } from '../../api/queries.ts'
import { sessionChanged } from '../../api/session.ts'
import { TextField } from '../../ui/fields.tsx'
import { Form } from '../../ui/Form.tsx'
import { say } from '../../ui/toasts.tsx'

export function Name({ name: before }: { name: string }) {
  const [name, setName] = useState(before)
  const action = useAction(async () => {
    await call('PATCH', '/v1/account', { body: { name: name.trim() } })
    await refresh('/v1/account')
    sessionChanged()
    say(`You are called ${name.trim()} now.`)
  })
  return (
    <Form action={action} submit="Change name">
      <TextField label="Name" required maxLength={100} autoComplete="name" value={name} onChange={setName} />
    </Form>
  )
}
