/** Where one is signed in, and an end to it. */
import type { OwnSessionsView } from '../../../../core/contract/identity.ts'
import { call, part } from '../../api/client.ts'
import { refresh, useGet } from '../../api/queries.ts'
import { clientName } from '../../text/words.ts'
import { AskButton } from '../../ui/Dialogs.tsx'
import { Ago, Empty, Tag } from '../../ui/parts.tsx'
import { TableCard } from '../../ui/Table.tsx'

const PATH = '/v1/account/sessions'

export function Sessions() {
  const asked = useGet<OwnSessionsView>(PATH, { optional: true })
  const sessions = asked.data?.sessions
  if (!asked.isLoading && !sessions) return null
  const end = async (path: string): Promise<void> => {
    await call('DELETE', path)
    await refresh(PATH)
  }
  return (
    <TableCard
      title="Where you are signed in"
      aside={
        (sessions?.length ?? 0) > 1 && (
          <AskButton
            label="Sign out elsewhere"
            size="small"
            title="Sign out everywhere else?"
            effect={<p>Every session but this one ends at once.</p>}
            verb="Sign out there"
            work={() => end(PATH)}
          />
        )
      }
      asked={asked}
      rows={sessions}
      head={['Where', 'Last seen', ['Since', 'wide'], '']}
      empty={<Empty title="Nowhere" />}
      row={({ id, current, createdAt, seenAt, address, client }) => (
        <tr key={id}>
          <td>
            <span className="strong">{clientName(client)}</span> {current && <Tag tone="accent">This one</Tag>}
            <div className="small faint">{address}</div>
          </td>
          <td className="quiet">
            <Ago at={seenAt} />
          </td>
          <td className="wide quiet">
            <Ago at={createdAt} />
          </td>
          <td className="actions">
            {!current && (
              <AskButton
                label="Sign out"
                size="small"
                title="Sign out there?"
                effect={<p>Whoever uses that session has to sign in again.</p>}
                verb="Sign out"
                work={() => end(`${PATH}/${part(id)}`)}
              />
            )}
          </td>
        </tr>
      )}
    />
  )
}
