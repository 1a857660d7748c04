/** One tenant: its plan and how much of it is taken, its month's budget, its apps, and who belongs to it. */
import { useEffect, useId } from 'react'
import { Link } from 'wouter'
import type { PlanView, TenantDetail } from '../../../../core/contract/api.ts'
import { useAction } from '../../api/actions.ts'
import { call, part } from '../../api/client.ts'
import { refresh, useGet } from '../../api/queries.ts'
import { useSession, whyNot } from '../../api/session.ts'
import { liveStore, useMany, useVersion } from '../../live/hooks.ts'
import { compareNames } from '../../text/order.ts'
import { appPath } from '../../text/attention.ts'
import { bytes, count, mebibytes, percent } from '../../text/format.ts'
import { AskButton } from '../../ui/Dialogs.tsx'
import { Ago, Card, Dot, Empty, Failed, Loading, Meter, Notice, PageHead, Status } from '../../ui/parts.tsx'
import { say } from '../../ui/toasts.tsx'
import { appState } from '../apps/state.ts'
import { AlertSettings } from '../alerts/AlertSettings.tsx'
import { Webhooks } from '../webhooks/Webhooks.tsx'
import { Members } from './Members.tsx'
import { Suspend } from './Suspend.tsx'

export function TenantPage({ params }: { params: Record<string, string> }) {
  const id = params.tenant ?? ''
  const { data, error, isLoading, again } = useGet<TenantDetail>(`/v1/tenants/${part(id)}`)
  useEffect(() => {
    document.title = `${id} · Berth`
  }, [id])
  if (error) return <Failed error={error} again={again} />
  if (isLoading || !data) return <Loading lines={6} />
  return (
    <>
      <PageHead
        crumbs={<Link href="/tenants">Tenants</Link>}
        title={data.id}
        about={
          <>
            <Status word={data.suspended ? { text: 'Suspended', tone: 'bad' } : { text: 'Active', tone: 'good' }} />
            <Dot />
            <span>Plan {data.plan}</span>
            <Dot />
            <span>
              since <Ago at={data.createdAt} />
            </span>
          </>
        }
      >
        <Doings tenant={data} />
      </PageHead>
      {data.suspended && (
        <Notice tone="bad">
          Nothing of it runs since <Ago at={data.suspended.at} />: {data.suspended.reason} ({data.suspended.by})
        </Notice>
      )}
      <div className="columns two">
        <PlanUse tenant={data} />
        <Budget tenant={data} />
      </div>
      <Apps tenant={id} />
      <Members tenant={id} />
      <Alerts tenant={id} />
      <TenantWebhooks tenant={id} />
    </>
  )
}

function Alerts({ tenant }: { tenant: string }) {
  const why = whyNot(useSession(), 'write', tenant)
  return <AlertSettings path={`/v1/tenants/${part(tenant)}/alerts`} of="tenant" why={why} />
}

function TenantWebhooks({ tenant }: { tenant: string }) {
  const why = whyNot(useSession(), 'write', tenant)
  return <Webhooks path={`/v1/tenants/${part(tenant)}/webhooks`} of={tenant} why={why} />
}

function Doings({ tenant }: { tenant: TenantDetail }) {
  const session = useSession()
  if (whyNot(session, 'operate', tenant.id) !== null) return null
  return tenant.suspended ? (
    <AskButton
      label="Resume"
      kind="primary"
      title={`Resume ${tenant.id}?`}
      effect={<p>Its apps are started again, as they were.</p>}
      verb="Resume it"
      work={async () => {
        await call('POST', `/v1/tenants/${part(tenant.id)}/resume`)
        await refresh('/v1/tenants')
      }}
    />
  ) : (
    <Suspend tenant={tenant.id} />
  )
}

type Line = { what: string; used: number; limit: number | null; format: (value: number) => string }

const Lines = ({ lines }: { lines: Line[] }) => (
  <ul className="use-lines">
    {lines.map(({ what, used, limit, format }) => (
      <li key={what}>
        <span className="row between">
          <span>{what}</span>
          <span className="quiet nowrap">
            {format(used)} <span className="faint">{limit === null ? 'no limit' : `of ${format(limit)}`}</span>
          </span>
        </span>
        {limit !== null && (
          <Meter used={limit === 0 ? 1 : used / limit} label={what} text={percent(limit === 0 ? 1 : used / limit)} />
        )}
      </li>
    ))}
  </ul>
)

function PlanUse({ tenant }: { tenant: TenantDetail }) {
  const { promised, limits, requestRate } = tenant
  return (
    <Card title="Plan" aside={<ChoosePlan tenant={tenant} />}>
      <Lines
        lines={[
          { what: 'Apps', used: promised.apps, limit: limits.apps, format: count },
          { what: 'Instances', used: promised.instances, limit: limits.instances, format: count },
          { what: 'Memory', used: promised.memoryMb, limit: limits.memoryMb, format: mebibytes },
          { what: 'Disk', used: promised.diskMb, limit: limits.diskMb, format: mebibytes },
        ]}
      />
      <p className="small quiet after-lines">
        Up to {count(requestRate.perSecond)} requests a second, {mebibytes(limits.instanceMemoryMb)} for one instance.
      </p>
    </Card>
  )
}

function ChoosePlan({ tenant }: { tenant: TenantDetail }) {
  const id = useId()
  const { operator } = useSession()
  const plans = useGet<{ plans: PlanView[] }>(operator ? '/v1/plans' : null, { optional: true }).data?.plans
  const action = useAction(async (plan: string) => {
    await call('PATCH', `/v1/tenants/${part(tenant.id)}`, { body: { plan } })
    await refresh('/v1/tenants')
    say(`${tenant.id} has the plan ${plan} now.`)
  })
  if (!plans) return <span className="small quiet">{tenant.plan}</span>
  return (
    <>
      {action.error !== null && <span className="small bad-text">{action.error}</span>}
      <label htmlFor={id} className="sr-only">
        Plan
      </label>
      <select
        id={id}
        className="input compact"
        value={tenant.plan}
        disabled={action.busy}
        onChange={(event) => void action.run(event.target.value)}
      >
        {plans.map(({ name }) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </>
  )
}

function Budget({ tenant: { budget, limits } }: { tenant: TenantDetail }) {
  const hours = (seconds: number): string => `${count(seconds / 3600)} h`
  return (
    <Card title={`Budget of ${budget.month}`}>
      <Lines
        lines={[
          { what: 'CPU time', used: budget.cpuSeconds, limit: limits.budget.cpuSeconds, format: hours },
          { what: 'Data sent', used: budget.egressBytes, limit: limits.budget.egressBytes, format: bytes },
          { what: 'Requests', used: budget.requests, limit: limits.budget.requests, format: count },
        ]}
      />
      <p className="small quiet after-lines">
        At 100 % of CPU time or data its apps stop until the month ends or the budget grows.
      </p>
    </Card>
  )
}

function Apps({ tenant }: { tenant: string }) {
  const apps = useMany('apps', `tenant:${tenant}`, 500)
  useVersion('instances', `tenant:${tenant}`, 1000)
  const sorted = [...apps].sort((a, b) => compareNames(a.name, b.name))
  return (
    <Card title="Apps" aside={<span className="faint small">{apps.length}</span>} flush>
      {sorted.length === 0 ? (
        <Empty title="No apps yet" />
      ) : (
        <ul className="list">
          {sorted.map((app) => {
            const running = liveStore.instances
              .within(`app:${app.name}`)
              .filter(({ once, state }) => !once && state === 'running').length
            return (
              <li key={app.id}>
                <Link href={appPath(app.name)}>
                  <span className="strong grow clip">{app.name}</span>
                  <Status word={appState(app, running)} />
                </Link>
              </li>
            )
          })}
        </ul>
      )}
    </Card>
  )
}
