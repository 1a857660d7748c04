/** What runs of an app, where, how much it uses, and why it ended last. */
import { useMemo } from 'react'
import { useMany } from '../../live/hooks.ts'
import { compareNames } from '../../text/order.ts'
import { InstanceRows } from '../../ui/InstanceRows.tsx'
import { Card, Empty } from '../../ui/parts.tsx'
import type { TabProps } from './AppPage.tsx'

export function InstancesTab({ app }: TabProps) {
  const instances = useMany('instances', `app:${app.name}`, 250)
  const sorted = useMemo(
    () => [...instances].sort((a, b) => compareNames(a.name, b.name) || b.release - a.release),
    [instances],
  )
  return (
    <Card title={`Instances`} aside={<span className="faint small">{sorted.length}</span>} flush>
      {sorted.length === 0 ? (
        <Empty title="Nothing of this app runs">
          <p>Deploy it, or scale a process type above zero.</p>
        </Empty>
      ) : (
        <InstanceRows instances={sorted} of="app" />
      )}
    </Card>
  )
}
