/** API tokens: made here, shown once, and ended here. */
import { useState } from 'react'
import type { TokenCreated, TokenView } from '../../../../core/contract/identity.ts'
import { call } from '../../api/client.ts'
import { useList } from '../../api/lists.ts'
import { refresh, remove } from '../../api/queries.ts'
import { useSession } from '../../api/session.ts'
import { Button } from '../../ui/Button.tsx'
import { AskButton } from '../../ui/Dialogs.tsx'
import { SelectField, TextField } from '../../ui/fields.tsx'
import { MakeOnce } from '../../ui/MakeOnce.tsx'
import { Ago, Empty, Tag } from '../../ui/parts.tsx'
import { Named, TableCard } from '../../ui/Table.tsx'

export function Tokens() {
  const asked = useList<TokenView>('/v1/tokens?limit=100', 'tokens')
  const [making, setMaking] = useState(false)
  return (
    <>
      <TableCard
        title="API tokens"
        aside={
          <Button size="small" icon="plus" onClick={() => setMaking(true)}>
            New token
          </Button>
        }
        asked={asked}
        rows={asked.items}
        more={asked.more}
        head={['Token', 'Reaches', ['Made', 'wide'], ['Last used', 'wide'], ['Ends', 'wider'], '']}
        empty={
          <Empty title="No tokens">
            <p>A token lets a program work with the API, and git push, in your stead.</p>
          </Empty>
        }
        row={(token) => <Row key={token.id} token={token} />}
      />
      {making && <Make onClose={() => setMaking(false)} />}
    </>
  )
}

const Row = ({
  token: { id, description, tenant, operator, app, readOnly, createdAt, expiresAt, lastUsedAt },
}: {
  token: TokenView
}) => (
  <tr>
    <td>
      <Named name={description} also={id} />
    </td>
    <td>
      {operator ? <Tag tone="accent">The platform</Tag> : (app ?? tenant ?? 'what you reach')}
      {readOnly && <span className="small quiet"> reads only</span>}
    </td>
    <td className="wide quiet">
      <Ago at={createdAt} />
    </td>
    <td className="wide quiet">{lastUsedAt === null ? 'never' : <Ago at={lastUsedAt} />}</td>
    <td className="wider quiet">{expiresAt === null ? 'when revoked' : <Ago at={expiresAt} />}</td>
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
        work={() => remove('/v1/tokens', id)}
      />
    </td>
  </tr>
)

function Make({ onClose }: { onClose: () => void }) {
  const { operator, memberships } = useSession()
  const [description, setDescription] = useState('')
  const [tenant, setTenant] = useState(memberships[0]?.tenant ?? '')
  return (
    <MakeOnce
      title="New token"
      submit="Make it"
      make={async () => {
        const body = { description: description.trim(), ...(tenant === '' ? { operator: true } : { tenant }) }
        const { token } = await call<TokenCreated>('POST', '/v1/tokens', { body })
        await refresh('/v1/tokens')
        return token
      }}
      told="Copy it now: it is not shown again."
      what="the token"
      onClose={onClose}
    >
      <TextField
        label="What it is for"
        required
        maxLength={100}
        placeholder="CI of the shop"
        value={description}
        onChange={setDescription}
      />
      <SelectField
        label="Reaches"
        value={tenant}
        onChange={setTenant}
        options={[
          ...memberships.map((membership) => membership.tenant),
          ...(operator ? ([['', 'The whole platform']] as const) : []),
        ]}
      />
    </MakeOnce>
  )
}
