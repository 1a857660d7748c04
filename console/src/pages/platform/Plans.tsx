/** What tenants may use: named plans. */
import { useEffect, useState } from 'react'
import type { PlanView } from '../../../../core/contract/api.ts'
import { useAction } from '../../api/actions.ts'
import { call, part } from '../../api/client.ts'
import { refresh, remove, useGet } from '../../api/queries.ts'
import { cores, count, mebibytes } from '../../text/format.ts'
import { Button } from '../../ui/Button.tsx'
import { AskButton, DialogForm, Modal } from '../../ui/Dialogs.tsx'
import { NameField, TextField } from '../../ui/fields.tsx'
import { Empty, PageHead } from '../../ui/parts.tsx'
import { TableCard } from '../../ui/Table.tsx'

export function Plans() {
  const asked = useGet<{ plans: PlanView[] }>('/v1/plans')
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
      <TableCard
        asked={asked}
        rows={asked.data?.plans}
        head={[
          'Plan',
          ['Memory', 'num'],
          ['CPU', 'num wide'],
          ['Disk', 'num wide'],
          ['Instances', 'num'],
          ['Apps', 'num wide'],
          ['Requests/s', 'num wider'],
          ['CPU weight', 'num wider'],
          '',
        ]}
        empty={<Empty title="No plans" />}
        row={(plan) => <Row key={plan.name} plan={plan} onEdit={() => setEditing(plan)} />}
      />
      {editing !== null && <Edit plan={editing === 'new' ? null : editing} onClose={() => setEditing(null)} />}
    </>
  )
}

const Row = ({ plan, onEdit }: { plan: PlanView; onEdit: () => void }) => (
  <tr>
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
        <Button kind="plain" size="small" icon="edit" label={`Change ${plan.name}`} onClick={onEdit} />
        <AskButton
          label="Destroy"
          kind="danger"
          size="small"
          why={plan.name === 'default' ? 'Tenants without a plan have this one.' : null}
          title={`Destroy the plan ${plan.name}?`}
          effect={<p>Nobody can be given it any more. A plan that a tenant has is refused.</p>}
          name={plan.name}
          verb="Destroy it"
          work={() => remove('/v1/plans', plan.name)}
        />
      </span>
    </td>
  </tr>
)

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
          {plan === null && <NameField label="Name" required value={name} onChange={setName} />}
          {fields.map(([field, label]) => (
            <TextField
              key={field}
              label={label}
              type="number"
              min={0}
              required
              value={values[field]}
              onChange={(value) => setValues((before) => ({ ...before, [field]: value }))}
            />
          ))}
        </div>
      </DialogForm>
    </Modal>
  )
}
