/** What tenants may use: named plans. */
import { useEffect, useId, useState } from 'react'
import type { PlanView } from '../../../../core/contract/api.ts'
import { useAction } from '../../api/actions.ts'
import { call, part } from '../../api/client.ts'
import { refresh, useGet } from '../../api/queries.ts'
import { cores, count, mebibytes } from '../../text/format.ts'
import { Button } from '../../ui/Button.tsx'
import { AskButton, DialogForm, Modal } from '../../ui/Dialogs.tsx'
import { Card, Empty, Failed, Loading, PageHead } from '../../ui/parts.tsx'

export function Plans() {
  const { data, error, isLoading, again } = useGet<{ plans: PlanView[] }>('/v1/plans')
  const [editing, setEditing] = useState<PlanView | 'new' | null>(null)
  useEffect(() => {
    document.title = 'Plans · Berth'
  }, [])
  return (
    <>
      <PageHead title="Plans">
        <Button kind="primary" icon="plus" onClick={() => setEditing('new')}>
          New plan
        </Button>
      </PageHead>
      <Card flush>
        {error && <Failed error={error} again={again} />}
        {isLoading && <Loading lines={4} />}
        {data?.plans.length === 0 && <Empty title="No plans" />}
        {data && data.plans.length > 0 && (
          <div className="table-wrap">
            <table className="table">
              <thead>
                <tr>
                  <th>Plan</th>
                  <th className="num">Memory</th>
                  <th className="num wide">CPU</th>
                  <th className="num wide">Disk</th>
                  <th className="num">Instances</th>
                  <th className="num wide">Apps</th>
                  <th className="num wider">Requests/s</th>
                  <th className="num wider">CPU weight</th>
                  <th>
                    <span className="sr-only">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {data.plans.map((plan) => (
                  <tr key={plan.name}>
                    <td className="strong">{plan.name}</td>
                    <td className="num">{mebibytes(plan.memoryMb)}</td>
                    <td className="num wide">{cores(plan.cpuMilli)}</td>
                    <td className="num wide">{mebibytes(plan.diskMb)}</td>
                    <td className="num">{count(plan.instances)}</td>
                    <td className="num wide">{count(plan.apps)}</td>
                    <td className="num wider">{count(plan.requestRate.perSecond)}</td>
                    <td className="num wider">{plan.weight}</td>
                    <td className="actions">
                      <span className="row">
                        <Button
                          kind="plain"
                          size="small"
                          icon="edit"
                          label={`Change ${plan.name}`}
                          onClick={() => setEditing(plan)}
                        />
                        <AskButton
                          label="Destroy"
                          kind="danger"
                          size="small"
                          why={plan.name === 'default' ? 'Tenants without a plan have this one.' : null}
                          title={`Destroy the plan ${plan.name}?`}
                          effect={<p>Nobody can be given it any more. A plan that a tenant has is refused.</p>}
                          name={plan.name}
                          verb="Destroy it"
                          work={async () => {
                            await call('DELETE', `/v1/plans/${part(plan.name)}`)
                            await refresh('/v1/plans')
                          }}
                        />
                      </span>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Card>
      {editing !== null && <Edit plan={editing === 'new' ? null : editing} onClose={() => setEditing(null)} />}
    </>
  )
}

const fields = [
  ['memoryMb', 'Memory, MiB'],
  ['cpuMilli', 'CPU, thousandths of a core'],
  ['diskMb', 'Disk, MiB'],
  ['instances', 'Instances'],
  ['apps', 'Apps'],
  ['instanceMemoryMb', 'Memory of one instance, MiB'],
  ['weight', 'CPU weight'],
] as const

type Field = (typeof fields)[number][0]
const usual: Record<Field, number> = {
  memoryMb: 4096,
  cpuMilli: 4000,
  diskMb: 20_480,
  instances: 20,
  apps: 10,
  instanceMemoryMb: 1024,
  weight: 100,
}

function Edit({ plan, onClose }: { plan: PlanView | null; onClose: () => void }) {
  const id = useId()
  const [name, setName] = useState(plan?.name ?? '')
  const [values, setValues] = useState<Record<Field, string>>(
    () => Object.fromEntries(fields.map(([field]) => [field, String((plan ?? usual)[field])])) as Record<Field, string>,
  )
  const action = useAction(async () => {
    const limits = Object.fromEntries(fields.map(([field]) => [field, Number(values[field])]))
    if (plan) await call('PATCH', `/v1/plans/${part(plan.name)}`, { body: limits })
    else await call('POST', '/v1/plans', { body: { name: name.trim(), ...limits } })
    await refresh('/v1/')
    onClose()
  })
  return (
    <Modal
      open
      onClose={onClose}
      wide
      title={plan ? `Change ${plan.name}` : 'New plan'}
      said={
        plan
          ? 'It holds at once for every tenant that has it; what runs already goes on running.'
          : 'Sums are over all of a tenant’s apps and hosts.'
      }
    >
      <DialogForm action={action} submit={plan ? 'Save' : 'Make it'} onCancel={onClose}>
        <div className="form-grid">
          {plan === null && (
            <div className="field">
              <label htmlFor={`${id}-name`}>Name</label>
              <input
                id={`${id}-name`}
                className="input mono"
                required
                maxLength={30}
                value={name}
                onChange={(event) => setName(event.target.value)}
              />
            </div>
          )}
          {fields.map(([field, label]) => (
            <div key={field} className="field">
              <label htmlFor={id + field}>{label}</label>
              <input
                id={id + field}
                className="input"
                type="number"
                min={0}
                required
                value={values[field]}
                onChange={(event) => setValues((before) => ({ ...before, [field]: event.target.value }))}
              />
            </div>
          ))}
        </div>
      </DialogForm>
    </Modal>
  )
}
