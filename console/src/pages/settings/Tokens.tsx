/** API tokens: made here, shown once, and ended here. */
import { useId, useState } from 'react'
import { useAction } from '../../api/actions.ts'
import { call, part } from '../../api/client.ts'
import { refresh, useGet } from '../../api/queries.ts'
import { useSession } from '../../api/session.ts'
import type { TokenView } from '../../api/views.ts'
import { Button } from '../../ui/Button.tsx'
import { AskButton, DialogForm, Modal } from '../../ui/Dialogs.tsx'
import { Ago, Card, CopyLine, Empty, Failed, Loading, Tag } from '../../ui/parts.tsx'

export function Tokens() {
  const { data, error, isLoading, again } = useGet<{ tokens: TokenView[] }>('/v1/tokens')
  const [making, setMaking] = useState(false)
  return (
    <Card
      title="API tokens"
      aside={
        <Button size="small" icon="plus" onClick={() => setMaking(true)}>
          New token
        </Button>
      }
      flush
    >
      {error && <Failed error={error} again={again} />}
      {isLoading && <Loading />}
      {data?.tokens.length === 0 && <Empty title="No tokens" />}
      {data && data.tokens.length > 0 && (
        <div className="table-wrap">
          <table className="table">
            <thead>
              <tr>
                <th>Token</th>
                <th>Reaches</th>
                <th className="wide">Made</th>
                <th className="wide">Ends</th>
                <th>
                  <span className="sr-only">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {data.tokens.map((token) => (
                <Row key={token.id} token={token} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {making && <Make onClose={() => setMaking(false)} />}
    </Card>
  )
}

const Row = ({
  token: { id, description, tenant, operator, app, readOnly, createdAt, expiresAt },
}: {
  token: TokenView
}) => (
  <tr>
    <td>
      <span className="strong">{description}</span>
      <div className="small faint">{id}</div>
    </td>
    <td>
      {operator ? <Tag tone="accent">The platform</Tag> : (app ?? tenant ?? 'what you reach')}
      {readOnly && <span className="small quiet"> reads only</span>}
    </td>
    <td className="wide quiet">
      <Ago at={createdAt} />
    </td>
    <td className="wide quiet">{expiresAt ? <Ago at={expiresAt} /> : 'when revoked'}</td>
    <td className="actions">
      <AskButton
        label="Revoke"
        kind="danger"
        size="small"
        title={`Revoke “${description}”?`}
        effect={
          <p>Whatever uses it is refused from now on: scripts, git remotes, this page if you signed in with it.</p>
        }
        name={description}
        verb="Revoke it"
        work={async () => {
          await call('DELETE', `/v1/tokens/${part(id)}`)
          await refresh('/v1/tokens')
        }}
      />
    </td>
  </tr>
)

function Make({ onClose }: { onClose: () => void }) {
  const { operator, memberships } = useSession()
  const [textId, tenantId] = [useId(), useId()]
  const [description, setDescription] = useState('')
  const [tenant, setTenant] = useState(memberships[0]?.tenant ?? '')
  const [token, setToken] = useState<string | null>(null)
  const action = useAction(async () => {
    const body = { description: description.trim(), ...(tenant === '' ? { operator: true } : { tenant }) }
    const made = await call<{ token: string }>('POST', '/v1/tokens', { body })
    await refresh('/v1/tokens')
    setToken(made.token)
  })
  return (
    <Modal open onClose={onClose} title="New token">
      {token === null ? (
        <DialogForm action={action} submit="Make it" onCancel={onClose}>
          <div className="field">
            <label htmlFor={textId}>What it is for</label>
            <input
              id={textId}
              className="input"
              required
              maxLength={100}
              placeholder="CI of the shop"
              value={description}
              onChange={(event) => setDescription(event.target.value)}
            />
          </div>
          <div className="field">
            <label htmlFor={tenantId}>Reaches</label>
            <select id={tenantId} className="input" value={tenant} onChange={(event) => setTenant(event.target.value)}>
              {memberships.map((membership) => (
                <option key={membership.tenant}>{membership.tenant}</option>
              ))}
              {operator && <option value="">The whole platform</option>}
            </select>
          </div>
        </DialogForm>
      ) : (
        <div className="stack">
          <p>Copy it now: it is not shown again.</p>
          <CopyLine text={token} what="the token" />
          <div className="buttons">
            <Button kind="primary" onClick={onClose}>
              Done
            </Button>
          </div>
        </div>
      )}
    </Modal>
  )
}
