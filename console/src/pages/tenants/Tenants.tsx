/** Who has apps here: for operators all of them, for others their own. */
import { useEffect, useState } from 'react'
import { Link } from 'wouter'
import type { TenantView } from '../../../../core/contract/api.ts'
import { useAction } from '../../api/actions.ts'
import { call } from '../../api/client.ts'
import { useList } from '../../api/lists.ts'
import { refresh } from '../../api/queries.ts'
import { useSession } from '../../api/session.ts'
import { liveStore, useVersion } from '../../live/hooks.ts'
import { compareNames } from '../../text/order.ts'
import { tenantPath } from '../../text/attention.ts'
import { mebibytes } from '../../text/format.ts'
import { Button } from '../../ui/Button.tsx'
import { DialogForm, Modal } from '../../ui/Dialogs.tsx'
import { NameField } from '../../ui/fields.tsx'
import { Ago, Card, Empty, Failed, Loading, PageHead, SearchField, Status } from '../../ui/parts.tsx'
import { Rows, type Column } from '../../ui/Rows.tsx'
import { Table } from '../../ui/Table.tsx'

export function Tenants() {
  const { operator } = useSession()
  useEffect(() => {
    document.title = 'Tenants · Berth'
  }, [])
  return operator ? <All /> : <Own />
}

function All() {
  const { items, error, isLoading, again } = useList<TenantView>('/v1/tenants', 'tenants', { all: true })
  const [text, setText] = useState('')
  const [making, setMaking] = useState(false)
  const shown = (items ?? [])
    .filter(({ id, plan }) => `${id} ${plan}`.toLowerCase().includes(text.toLowerCase()))
    .sort((a, b) => compareNames(a.id, b.id))
  return (
    <>
      <PageHead title="Tenants">
        <SearchField label="Filter tenants" value={text} onChange={setText} />
        <Button kind="primary" icon="plus" onClick={() => setMaking(true)}>
          New tenant
        </Button>
      </PageHead>
      <Card>
        {error ? (
          <Failed error={error} again={again} />
        ) : isLoading ? (
          <Loading lines={6} />
        ) : shown.length === 0 ? (
          <Empty title={text === '' ? 'No tenants yet' : `No tenant’s name holds “${text}”`} />
        ) : (
          <div className="flush">
            <Rows label="Tenants" items={shown} keyOf={({ id }) => id} columns={columns} />
          </div>
        )}
      </Card>
      {making && <Make onClose={() => setMaking(false)} />}
    </>
  )
}

const columns: Column<TenantView>[] = [
  {
    title: 'Tenant',
    width: 'minmax(90px, 1.6fr)',
    cell: ({ id }) => (
      <Link href={tenantPath(id)} className="name">
        {id}
      </Link>
    ),
  },
  {
    title: 'State',
    width: 'minmax(100px, 1fr)',
    cell: ({ suspended }) => (
      <Status word={suspended ? { text: 'Suspended', tone: 'bad' } : { text: 'Active', tone: 'good' }} />
    ),
  },
  {
    title: 'Plan',
    width: 'minmax(80px, 1fr)',
    from: 'wide',
    cell: ({ plan }) => <span className="quiet">{plan}</span>,
  },
  { title: 'Apps', width: '60px', num: true, cell: ({ id }) => <Sum tenant={id} of="apps" /> },
  { title: 'Instances', width: '80px', from: 'wide', num: true, cell: ({ id }) => <Sum tenant={id} of="instances" /> },
  { title: 'Memory', width: '92px', from: 'wide', num: true, cell: ({ id }) => <Sum tenant={id} of="memory" /> },
  { title: 'Since', width: '100px', from: 'wider', num: true, cell: ({ createdAt }) => <Ago at={createdAt} /> },
]

function Sum({ tenant, of }: { tenant: string; of: 'apps' | 'instances' | 'memory' }) {
  useVersion(of === 'apps' ? 'apps' : 'instances', `tenant:${tenant}`, 1000)
  if (of === 'apps') return liveStore.apps.within(`tenant:${tenant}`).length
  const here = liveStore.instances
    .within(`tenant:${tenant}`)
    .filter(({ state }) => state !== 'stopped' && state !== 'failed')
  return of === 'instances' ? here.length : mebibytes(here.reduce((total, { memoryMb }) => total + memoryMb, 0))
}

function Own() {
  const { memberships } = useSession()
  return (
    <>
      <PageHead title="Tenants" />
      <Card title="Yours" flush>
        {memberships.length === 0 ? (
          <Empty title="You belong to no tenant">
            <p>Ask an owner to invite you.</p>
          </Empty>
        ) : (
          <Table head={['Tenant', 'You are its', ['Apps', 'num']]}>
            {memberships.map(({ tenant, role }) => (
              <tr key={tenant}>
                <td className="name">
                  <Link href={tenantPath(tenant)}>{tenant}</Link>
                </td>
                <td className="quiet">{role}</td>
                <td className="num">
                  <Sum tenant={tenant} of="apps" />
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Card>
    </>
  )
}

function Make({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('')
  const action = useAction(async () => {
    await call('POST', '/v1/tenants', { body: { id: name.trim() } })
    await refresh('/v1/tenants')
    onClose()
  })
  return (
    <Modal
      open
      onClose={onClose}
      title="New tenant"
      said="It begins with the default plan. Its apps are kept apart from all others."
    >
      <DialogForm action={action} submit="Make it" onCancel={onClose}>
        <NameField label="Name" required value={name} onChange={setName} />
      </DialogForm>
    </Modal>
  )
}
