/** How many instances run of each process type, and how large each is. */
import { useId, useState } from 'react'
import type { AppView, PatchFormation, TenantDetail } from '../../../../core/contract/api.ts'
import { useAction } from '../../api/actions.ts'
import { call, part } from '../../api/client.ts'
import { useGet } from '../../api/queries.ts'
import { cores, mebibytes, plural } from '../../text/format.ts'
import { Button } from '../../ui/Button.tsx'
import { Card, Empty, Meter, Notice } from '../../ui/parts.tsx'
import { say } from '../../ui/toasts.tsx'
import type { TabProps } from './AppPage.tsx'
import { pathOf } from './doings.ts'

type Size = { count: number; memoryMb: number; cpuMilli: number }
type Wanted = Record<string, Size>

const memorySizes = [64, 128, 256, 512, 1024, 2048, 4096, 8192]
const cpuSizes = [100, 250, 500, 1000, 2000, 4000]

export function ScaleTab({ app, why }: TabProps) {
  const now = sizesOf(app)
  const [edited, setEdited] = useState<Wanted>({})
  const action = useAction(async () => {
    await call('PATCH', `${pathOf(app)}/formation`, { body: patchOf(now, edited) })
    setEdited({})
    say(`${app.name} is brought to its new formation.`)
  })
  const types = Object.keys(now)
  if (types.length === 0)
    return (
      <Card>
        <Empty title="There is nothing to scale yet">
          <p>The first release brings the process types, from the Procfile or the buildpack.</p>
        </Empty>
      </Card>
    )
  const wanted = { ...now, ...edited }
  const isChanged = Object.keys(patchOf(now, edited)).length > 0
  return (
    <Card
      title="Formation"
      flush
      footer={
        <>
          <Button kind="primary" busy={action.busy} why={why} disabled={!isChanged} onClick={() => void action.run()}>
            {isChanged ? `Apply: ${describe(now, edited)}` : 'Apply'}
          </Button>
          {isChanged && <Button onClick={() => setEdited({})}>Undo</Button>}
          <span className="grow" />
          <span className="wide-only">Counts change at once. Sizes change where instances run, without a restart.</span>
        </>
      }
    >
      {types.map((type) => (
        <Row
          key={type}
          type={type}
          size={wanted[type] ?? { count: 0, memoryMb: 512, cpuMilli: 1000 }}
          onChange={(size) => setEdited((before) => ({ ...before, [type]: size }))}
        />
      ))}
      {action.error !== null && (
        <div className="body">
          <Notice tone="bad">{action.error}</Notice>
        </div>
      )}
      <Room app={app} before={now} after={wanted} />
    </Card>
  )
}

function Row({ type, size, onChange }: { type: string; size: Size; onChange: (size: Size) => void }) {
  const [countId, memoryId, cpuId] = [useId(), useId(), useId()]
  const setCount = (count: number): void => onChange({ ...size, count: Math.max(0, Math.min(1000, count || 0)) })
  return (
    <div className="scale-row">
      <code className="type strong">{type}</code>
      <div className="field">
        <label htmlFor={countId}>Instances of {type}</label>
        <div className="stepper">
          <Button
            icon="minus"
            label={`One instance of ${type} fewer`}
            disabled={size.count === 0}
            onClick={() => setCount(size.count - 1)}
          />
          <input
            id={countId}
            className="input"
            inputMode="numeric"
            value={size.count}
            onChange={(event) => setCount(Number(event.target.value.replace(/\D/g, '')))}
          />
          <Button icon="plus" label={`One instance of ${type} more`} onClick={() => setCount(size.count + 1)} />
        </div>
      </div>
      <div className="field">
        <label htmlFor={memoryId}>Memory each</label>
        <select
          id={memoryId}
          className="input"
          value={size.memoryMb}
          onChange={(event) => onChange({ ...size, memoryMb: Number(event.target.value) })}
        >
          {withCurrent(memorySizes, size.memoryMb).map((value) => (
            <option key={value} value={value}>
              {mebibytes(value)}
            </option>
          ))}
        </select>
      </div>
      <div className="field">
        <label htmlFor={cpuId}>CPU each</label>
        <select
          id={cpuId}
          className="input"
          value={size.cpuMilli}
          onChange={(event) => onChange({ ...size, cpuMilli: Number(event.target.value) })}
        >
          {withCurrent(cpuSizes, size.cpuMilli).map((value) => (
            <option key={value} value={value}>
              {cores(value)} {value === 1000 ? 'core' : 'cores'}
            </option>
          ))}
        </select>
      </div>
    </div>
  )
}

/** What the change takes of the tenant's plan, before anybody is told that it is too much. */
function Room({ app, before, after }: { app: AppView; before: Wanted; after: Wanted }) {
  const { data } = useGet<TenantDetail>(`/v1/tenants/${part(app.tenant)}`, { optional: true })
  if (!data) return null
  const memory = data.promised.memoryMb - memoryOf(before) + memoryOf(after)
  const instances = data.promised.instances - countOf(before) + countOf(after)
  return (
    <div className="scale-row">
      <span className="type quiet small">
        Of {app.tenant}’s plan, {data.plan}
      </span>
      <div className="plan-use">
        <PlanUse what="Memory" used={memory} limit={data.limits.memoryMb} format={mebibytes} />
        <PlanUse what="Instances" used={instances} limit={data.limits.instances} format={String} />
      </div>
    </div>
  )
}

type PlanUseProps = { what: string; used: number; limit: number; format: (value: number) => string }

const PlanUse = ({ what, used, limit, format }: PlanUseProps) => (
  <div className="field">
    <span className={`small ${used > limit ? 'bad-text' : 'quiet'}`}>
      {what}: {format(used)} of {format(limit)}
    </span>
    <Meter used={used / limit} label={`${what} of the plan`} text={`${format(used)} of ${format(limit)}`} />
  </div>
)

const sizesOf = ({ formation }: AppView): Wanted =>
  Object.fromEntries(
    Object.entries(formation).flatMap(([type, process]) =>
      process
        ? [[type, { count: process.count, memoryMb: process.size.memoryMb, cpuMilli: process.size.cpuMilli }]]
        : [],
    ),
  )

function patchOf(now: Wanted, edited: Wanted): PatchFormation {
  const patch: Record<string, Partial<Size>> = {}
  for (const [type, size] of Object.entries(edited)) {
    const before = now[type]
    const changed = (Object.keys(size) as (keyof Size)[]).filter((key) => size[key] !== before?.[key])
    if (changed.length > 0) patch[type] = Object.fromEntries(changed.map((key) => [key, size[key]]))
  }
  return patch
}

function describe(now: Wanted, edited: Wanted): string {
  return Object.entries(edited)
    .flatMap(([type, { count, memoryMb, cpuMilli }]) => {
      const before = now[type]
      if (!before) return []
      return [
        count !== before.count && `${plural(count, type, type)}`,
        memoryMb !== before.memoryMb && `${type} ${mebibytes(memoryMb)}`,
        cpuMilli !== before.cpuMilli && `${type} ${cores(cpuMilli)} CPU`,
      ].filter((text) => text !== false)
    })
    .join(', ')
}

const withCurrent = (sizes: number[], current: number): number[] =>
  sizes.includes(current) ? sizes : [...sizes, current].sort((a, b) => a - b)
const memoryOf = (wanted: Wanted): number =>
  Object.values(wanted).reduce((sum, { count, memoryMb }) => sum + count * memoryMb, 0)
const countOf = (wanted: Wanted): number => Object.values(wanted).reduce((sum, { count }) => sum + count, 0)
