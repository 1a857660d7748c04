/** Who else is told of an app: webhooks of what happens to it, and drains of its log. */
import { Drains } from '../webhooks/Drains.tsx'
import { Webhooks } from '../webhooks/Webhooks.tsx'
import type { TabProps } from './AppPage.tsx'
import { pathOf } from './doings.ts'

export const WebhooksTab = ({ app, why }: TabProps) => (
  <>
    <Webhooks path={`${pathOf(app)}/webhooks`} of={app.name} why={why} />
    <Drains path={`${pathOf(app)}/drains`} of={app.name} why={why} />
  </>
)
