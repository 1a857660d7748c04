/** Webhooks of an app, of a tenant or of the platform: the list, and the one that the address names. */
import './webhooks.css'
import { useState } from 'react'
import { Link, useLocation, useSearch } from 'wouter'
import type { WebhooksView, WebhookView } from '../../../../core/contract/webhooks.ts'
import { useGet } from '../../api/queries.ts'
import { hostOf, shownUrl, webhookState } from '../../text/webhooks.ts'
import { Button } from '../../ui/Button.tsx'
import { Modal } from '../../ui/Dialogs.tsx'
import { Ago, Card, Empty, Status } from '../../ui/parts.tsx'
import { ShownOnce } from '../../ui/ShownOnce.tsx'
import { TableCard } from '../../ui/Table.tsx'
import { AddWebhook } from './EditWebhook.tsx'
import { OneWebhook } from './OneWebhook.tsx'

/**
 * @property path of the API: `/v1/apps/APP/webhooks`. @property of whose they are, as one says it
 * @property why this person may not see them; null: they may. A URL often holds a secret, so to look is to write.
 */
type Props = { path: string; of: string; why: string | null }

export function Webhooks({ path, of, why }: Props) {
  const asked = useGet<WebhooksView>(why === null ? path : null)
  const [adding, setAdding] = useState(false)
  const [secret, setSecret] = useState<string | null>(null)
  const chosen = new URLSearchParams(useSearch()).get('webhook')
  if (why !== null)
    return (
      <Card title="Webhooks">
        <Empty title="Webhooks are not for viewers">
          <p>
            Their addresses often hold secrets: only those who may change {of} can see them. {why}
          </p>
        </Empty>
      </Card>
    )
  const webhooks = asked.data?.webhooks
  const webhook = webhooks?.find(({ id }) => id === chosen)
  return (
    <>
      <TableCard
        title="Webhooks"
        aside={
          <Button size="small" icon="plus" onClick={() => setAdding(true)}>
            Add a webhook
          </Button>
        }
        asked={asked}
        rows={webhooks}
        head={['Webhook', ['Told of', 'wide'], 'State', ['Last arrived', 'wide']]}
        empty={
          <Empty title="No webhooks yet">
            <p>What happens to {of} is sent to a program of yours, as a signed JSON document.</p>
          </Empty>
        }
        row={(one) => <Row key={one.id} webhook={one} isChosen={one === webhook} />}
      />
      {webhook && <OneWebhook key={webhook.id} path={path} webhook={webhook} onSecret={setSecret} />}
      {adding && <AddWebhook path={path} of={of} onMade={setSecret} onClose={() => setAdding(false)} />}
      {secret !== null && (
        <Modal open onClose={() => setSecret(null)} title="The webhook’s secret">
          <ShownOnce
            text="Your program checks by it that a message is Berth’s. Copy it now: it is not shown again."
            secret={secret}
            what="the secret"
            onClose={() => setSecret(null)}
          />
        </Modal>
      )}
    </>
  )
}

function Row({ webhook, isChosen }: { webhook: WebhookView; isChosen: boolean }) {
  const [at] = useLocation()
  const { id, url, events, lastSuccess, problem } = webhook
  return (
    <tr>
      <td>
        <Link
          className="strong"
          href={isChosen ? at : `${at}?webhook=${id}`}
          aria-expanded={isChosen}
          aria-label={`Webhook to ${hostOf(url)}`}
        >
          {shownUrl(url)}
        </Link>
        <div className="small faint">{id}</div>
      </td>
      <td className="wide">
        <code className="small quiet">{events.join(' ')}</code>
      </td>
      <td>
        <Status word={webhookState(webhook)} />
        {problem !== null && <div className="small quiet">{problem}</div>}
      </td>
      <td className="wide quiet">{lastSuccess === null ? 'nothing yet' : <Ago at={lastSuccess} />}</td>
    </tr>
  )
}
