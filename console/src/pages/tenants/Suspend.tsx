/** Stops everything of a tenant, with a reason that its members read. */
import { useState } from 'react'
import { call, part } from '../../api/client.ts'
import { refresh } from '../../api/queries.ts'
import { AskButton } from '../../ui/Dialogs.tsx'
import { TextField } from '../../ui/fields.tsx'

export function Suspend({ tenant }: { tenant: string }) {
  const [reason, setReason] = useState('')
  return (
    <AskButton
      label="Suspend"
      kind="danger"
      title={`Suspend ${tenant}?`}
      effect={<p>All of its apps stop at once and answer nothing until an operator resumes it. Nothing is deleted.</p>}
      asks={{
        fields: (
          <TextField
            label="Reason, which its members read"
            required
            maxLength={200}
            value={reason}
            onChange={setReason}
          />
        ),
        isAnswered: reason.trim() !== '',
      }}
      name={tenant}
      verb="Suspend it"
      work={async () => {
        await call('POST', `/v1/tenants/${part(tenant)}/suspend`, { body: { reason: reason.trim() } })
        await refresh('/v1/tenants')
      }}
      onDone={() => setReason('')}
    />
  )
}
