/** Stops everything of a tenant, with a reason that its members read. */
import { useId, useState } from 'react'
import { call, part } from '../../api/client.ts'
import { refresh } from '../../api/queries.ts'
import { useAction } from '../../api/actions.ts'
import { Button } from '../../ui/Button.tsx'
import { Modal } from '../../ui/Dialogs.tsx'
import { Notice } from '../../ui/parts.tsx'

export function Suspend({ tenant }: { tenant: string }) {
  const [open, setOpen] = useState(false)
  return (
    <>
      <Button kind="danger" onClick={() => setOpen(true)}>
        Suspend
      </Button>
      {open && <Form tenant={tenant} onClose={() => setOpen(false)} />}
    </>
  )
}

function Form({ tenant, onClose }: { tenant: string; onClose: () => void }) {
  const [reasonId, nameId] = [useId(), useId()]
  const [reason, setReason] = useState('')
  const [typed, setTyped] = useState('')
  const action = useAction(async () => {
    await call('POST', `/v1/tenants/${part(tenant)}/suspend`, { body: { reason: reason.trim() } })
    await refresh('/v1/tenants')
    onClose()
  })
  return (
    <Modal
      open
      onClose={onClose}
      title={`Suspend ${tenant}?`}
      said="All of its apps stop at once and answer nothing until an operator resumes it. Nothing is deleted."
    >
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          if (typed === tenant) void action.run()
        }}
      >
        <div className="field">
          <label htmlFor={reasonId}>Reason, which its members read</label>
          <input
            id={reasonId}
            className="input"
            required
            maxLength={200}
            value={reason}
            onChange={(event) => setReason(event.target.value)}
          />
        </div>
        <div className="field">
          <label htmlFor={nameId}>
            Type <code className="strong">{tenant}</code> to confirm
          </label>
          <input
            id={nameId}
            className="input mono"
            autoComplete="off"
            spellCheck={false}
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
          />
        </div>
        {action.error !== null && <Notice tone="bad">{action.error}</Notice>}
        <div className="buttons">
          <Button onClick={onClose}>Cancel</Button>
          <Button
            type="submit"
            kind="danger solid"
            busy={action.busy}
            disabled={typed !== tenant || reason.trim() === ''}
          >
            Suspend it
          </Button>
        </div>
      </form>
    </Modal>
  )
}
