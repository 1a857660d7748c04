/** The tenants that somebody belongs to, and a way out of each. */
import { Link } from 'wouter'
import type { UserView } from '../../../../core/contract/identity.ts'
import { call, part } from '../../api/client.ts'
import { refresh } from '../../api/queries.ts'
import { sessionChanged } from '../../api/session.ts'
import { tenantPath } from '../../text/attention.ts'
import { AskButton } from '../../ui/Dialogs.tsx'
import { Card, Empty } from '../../ui/parts.tsx'
import { Table } from '../../ui/Table.tsx'

export const Belongs = ({ account: { memberships, operator } }: { account: UserView }) => (
  <Card title="You belong to" flush>
    {memberships.length === 0 ? (
      <Empty title="No tenant">
        <p>{operator ? 'As an operator you reach all of them.' : 'An owner of a tenant can invite you.'}</p>
      </Empty>
    ) : (
      <Table head={['Tenant', 'Role', '']}>
        {memberships.map(({ tenant, role }) => (
          <tr key={tenant}>
            <td className="name">
              <Link href={tenantPath(tenant)}>{tenant}</Link>
            </td>
            <td className="quiet">{role}</td>
            <td className="actions">
              <AskButton
                label="Leave"
                kind="danger"
                size="small"
                title={`Leave ${tenant}?`}
                effect={
                  <p>
                    You lose your access to all of it at once, and your tokens and keys for it end. What runs goes on.
                  </p>
                }
                name={tenant}
                verb="Leave it"
                work={async () => {
                  await call('DELETE', `/v1/account/memberships/${part(tenant)}`)
                  await refresh('/v1/account')
                  sessionChanged()
                }}
              />
            </td>
          </tr>
        ))}
      </Table>
    )}
  </Card>
)
