/** Tenants by how much of their plan they have taken, the nearest to their end first. */
import { useMemo } from 'react'
import { Link } from 'wouter'
import type { PlanView, TenantView } from '../../../../core/contract/api.ts'
import { useGet } from '../../api/queries.ts'
import { useSession } from '../../api/session.ts'
import { liveStore, useVersion } from '../../live/hooks.ts'
import { mebibytes, percent } from '../../text/format.ts'
import { tenantPath } from '../../text/attention.ts'
import { Card, Meter, Tag } from '../../ui/parts.tsx'

const SHOWN = 8

export function TenantUse() {
  const { operator } = useSession()
  const tenants = useGet<{ tenants: TenantView[] }>(operator ? '/v1/tenants' : null, { optional: true }).data
  const plans = useGet<{ plans: PlanView[] }>(operator ? '/v1/plans' : null, { optional: true }).data
  const version = useVersion('instances', '*', 2000)
  const rows = useMemo(
    () => tenantRows(tenants?.tenants ?? [], plans?.plans ?? []),

    [tenants, plans, version],
  )
  if (rows.length === 0) return null
  return (
    <Card
      title="Tenants by use"
      aside={
        <Link href="/tenants" className="link small">
          All {rows.length}
        </Link>
      }
      flush
    >
      <ul className="list tenants">
        {rows.slice(0, SHOWN).map(({ id, plan, used, limit, suspended }) => (
          <li key={id}>
            <Link href={tenantPath(id)}>
              <span className="grow">
                <span className="row">
                  <span className="strong clip">{id}</span>
                  {suspended ? <Tag tone="bad">Suspended</Tag> : <span className="small faint">{plan}</span>}
                </span>
                <Meter used={used / limit} label={`Memory of ${id}`} text={`${percent(used / limit)} of its plan`} />
              </span>
              <span className="end small">
                <span className="strong">{percent(used / limit)}</span>
                <span className="faint nowrap">
                  {mebibytes(used)} of {mebibytes(limit)}
                </span>
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </Card>
  )
}

function tenantRows(tenants: TenantView[], plans: PlanView[]) {
  const limits = new Map<string, number>(plans.map(({ name, memoryMb }) => [name, memoryMb]))
  return tenants
    .map(({ id, plan, suspended }) => ({
      id,
      plan,
      suspended: suspended !== null,
      used: assignedTo(id),
      limit: limits.get(plan) ?? Infinity,
    }))
    .filter(({ limit }) => Number.isFinite(limit))
    .sort((a, b) => b.used / b.limit - a.used / a.limit)
}

/** In MiB. */
const assignedTo = (tenant: string): number =>
  liveStore.instances
    .within(`tenant:${tenant}`)
    .filter(({ state }) => state !== 'stopped' && state !== 'failed')
    .reduce((total, { memoryMb }) => total + memoryMb, 0)
