/** The newest of what happened, over all apps. */
import { useMany } from '../../live/hooks.ts'
import { EventList } from '../../ui/EventList.tsx'
import { Card, Empty } from '../../ui/parts.tsx'

const SHOWN = 12

export function RecentEvents() {
  const events = useMany('events', '*', 500)
  const newest = events.slice(-SHOWN).reverse()
  return (
    <Card title="Recent events" flush>
      {newest.length === 0 ? <Empty title="Nothing has happened yet" /> : <EventList events={newest} ofApps />}
    </Card>
  )
}
