/** Everything that happened to an app, with its last words where it died. */
import { useState } from 'react'
import type { EventView } from '../../../../core/contract/api.ts'
import { useList } from '../../api/lists.ts'
import { eventTone } from '../../text/words.ts'
import { EventList } from '../../ui/EventList.tsx'
import { Card, Empty, Failed, Loading, Segments } from '../../ui/parts.tsx'
import { More } from '../../ui/Table.tsx'
import type { TabProps } from './AppPage.tsx'
import { pathOf } from './doings.ts'
import { newestFirst } from './OverviewTab.tsx'

export function EventsTab({ app }: TabProps) {
  const { items, error, isLoading, again, more } = useList<EventView>(`${pathOf(app)}/events?n=100`, 'events')
  const [which, setWhich] = useState<'all' | 'bad'>('all')
  if (error) return <Failed error={error} again={again} />
  if (isLoading || !items) return <Loading lines={8} />
  const shown = newestFirst(items).filter((event) => which === 'all' || eventTone(event) === 'bad')
  return (
    <Card
      title="Events"
      aside={
        <Segments
          label="Which events"
          value={which}
          onChange={setWhich}
          options={[
            ['all', 'All'],
            ['bad', 'Problems'],
          ]}
        />
      }
      flush
    >
      {shown.length === 0 ? (
        <Empty title={which === 'all' ? 'Nothing has happened yet' : 'No problem is on record'} />
      ) : (
        <EventList events={shown} withOutput />
      )}
      {more && <More {...more} />}
    </Card>
  )
}
