/** SSH keys, for git over SSH. */
import { useState } from 'react'
import type { SshKeyView, SshView } from '../../../../core/contract/ssh.ts'
import { useAction } from '../../api/actions.ts'
import { call } from '../../api/client.ts'
import { refresh, remove, useGet } from '../../api/queries.ts'
import { Button } from '../../ui/Button.tsx'
import { AskButton, DialogForm, Modal } from '../../ui/Dialogs.tsx'
import { AreaField } from '../../ui/fields.tsx'
import { Ago, Empty } from '../../ui/parts.tsx'
import { Named, TableCard } from '../../ui/Table.tsx'

export function Keys() {
  const asked = useGet<{ keys: SshKeyView[] }>('/v1/keys', { optional: true })
  const door = useGet<SshView>('/v1/ssh', { optional: true }).data
  const [adding, setAdding] = useState(false)
  if (!asked.isLoading && !asked.data) return null
  return (
    <>
      <TableCard
        title="SSH keys"
        aside={
          <Button size="small" icon="plus" onClick={() => setAdding(true)}>
            Add a key
          </Button>
        }
        footer={
          door && (
            <span>{door.enabled ? `Git over SSH is on port ${door.port}.` : `Git over SSH is off. ${door.why}`}</span>
          )
        }
        asked={asked}
        rows={asked.data?.keys}
        head={['Key', ['Fingerprint', 'wide'], 'Tenant', ['Added', 'wide'], '']}
        empty={
          <Empty title="No keys yet">
            <p>With a key, git pushes over SSH without a token.</p>
          </Empty>
        }
        row={(key) => <Row key={key.id} of={key} />}
      />
      {adding && <Add onClose={() => setAdding(false)} />}
    </>
  )
}

const Row = ({ of: { id, name, fingerprint, type, tenant, createdAt } }: { of: SshKeyView }) => (
  <tr>
    <td>
      <Named name={name} also={type} />
    </td>
    <td className="wide">
      <code className="small quiet">{fingerprint}</code>
    </td>
    <td>{tenant}</td>
    <td className="wide quiet">
      <Ago at={createdAt} />
    </td>
    <td className="actions">
      <AskButton
        label="Remove"
        kind="danger"
        size="small"
        title={`Remove ${name}?`}
        effect={<p>Git over SSH refuses it from now on.</p>}
        name={name}
        verb="Remove it"
        work={() => remove('/v1/keys', id)}
      />
    </td>
  </tr>
)

function Add({ onClose }: { onClose: () => void }) {
  const [key, setKey] = useState('')
  const action = useAction(async () => {
    await call('POST', '/v1/keys', { body: { key: key.trim() } })
    await refresh('/v1/keys')
    onClose()
  })
  return (
    <Modal open onClose={onClose} title="Add an SSH key" said="The line of a public key, as in ~/.ssh/id_ed25519.pub.">
      <DialogForm action={action} submit="Add it" onCancel={onClose}>
        <AreaField
          label="Public key"
          required
          placeholder="ssh-ed25519 AAAA… you@laptop"
          value={key}
          onChange={setKey}
        />
      </DialogForm>
    </Modal>
  )
}
