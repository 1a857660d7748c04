/** What the platform tells other programs: of everything that happens, and of all apps' logs. For operators. */
import { useEffect } from 'react'
import { useSession, whyNot } from '../../api/session.ts'
import { PageHead } from '../../ui/parts.tsx'
import { Drains } from './Drains.tsx'
import { Webhooks } from './Webhooks.tsx'

export function WebhooksPage() {
  const why = whyNot(useSession(), 'operate', null)
  useEffect(() => {
    document.title = 'Webhooks · Berth'
  }, [])
  return (
    <>
      <PageHead title="Webhooks and log drains" />
      <Webhooks path="/v1/webhooks" of="the platform" why={why} />
      <Drains path="/v1/drains" of="all apps" why={why} />
    </>
  )
}
