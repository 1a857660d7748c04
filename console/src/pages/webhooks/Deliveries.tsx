/** What one webhook was sent, how each try went, and the same once more. */
import { useEffect, useState } from 'react'
import type { DeliveriesView, DeliveryView } from '../../../../core/contract/webhooks.ts'
import { useAction } from '../../api/actions.ts'
import { call, part } from '../../api/client.ts'
import { refresh, useGet } from '../../api/queries.ts'
import { plural } from '../../text/format.ts'
import { attemptText, deliveryState, readable } from '../../text/webhooks.ts'
import { Button } from '../../ui/Button.tsx'
import { Modal } from '../../ui/Dialogs.tsx'
import { Ago, CopyButton, Empty, Notice, Status } from '../../ui/parts.tsx'
import { Table, TableCard } from '../../ui/Table.tsx'

type Props = { path: string; isOn: boolean }

export function Deliveries({ path, isOn }: Props) {
  const asked = useGet<DeliveriesView>(path)
  const deliveries = asked.data?.deliveries
  const [shownId, setShown] = useState<string | null>(null)
  const shown = deliveries?.find(({ id }) => id === shownId)
  useOutcomes(path, deliveries)
  return (
    <>
      <TableCard
        title="Deliveries"
        aside={
          <Button size="small" kind="plain" onClick={() => void refresh(path)}>
            Look again
          </Button>
        }
        asked={asked}
        rows={deliveries}
        head={['Event', 'State', ['Last try', 'wide'], 'When', '']}
        empty={
          <Empty title="Nothing was sent yet">
            <p>A test shows whether your program takes what it is sent.</p>
          </Empty>
        }
        row={(delivery) => <Row key={delivery.id} delivery={delivery} onShow={() => setShown(delivery.id)} />}
      />
      {shown && <Shown path={path} isOn={isOn} delivery={shown} onClose={() => setShown(null)} />}
    </>
  )
}

const SOON_MS = 20_000
const LOOK_MS = 1500

/** No stream tells of deliveries: while one is about to be tried, its outcome is asked for. */
function useOutcomes(path: string, deliveries: DeliveryView[] | undefined): void {
  useEffect(() => {
    const isSoon = ({ state, nextAt }: DeliveryView): boolean =>
      state === 'pending' && Math.abs(Date.parse(nextAt ?? '') - Date.now()) < SOON_MS
    if (!deliveries?.some(isSoon)) return
    // How the webhook itself stands depends on it, too.
    const timer = setTimeout(() => void refresh(path.replace(/\/[^/]+\/deliveries$/, '')), LOOK_MS)
    return () => clearTimeout(timer)
  }, [path, deliveries])
}

function Row({ delivery, onShow }: { delivery: DeliveryView; onShow: () => void }) {
  const { id, type, createdAt, attempts } = delivery
  const last = attempts.at(-1)
  return (
    <tr>
      <td>
        <code className="strong">{type}</code>
        <div className="small faint wide">{id}</div>
      </td>
      <td>
        <Status word={deliveryState(delivery)} />
      </td>
      <td className="wide quiet">{last ? attemptText(last) : 'none yet'}</td>
      <td className="quiet">
        <Ago at={createdAt} />
      </td>
      <td className="actions">
        <Button size="small" onClick={onShow}>
          Show
        </Button>
      </td>
    </tr>
  )
}

type ShownProps = { path: string; isOn: boolean; delivery: DeliveryView; onClose: () => void }

function Shown({ path, isOn, delivery, onClose }: ShownProps) {
  const { id, type, body, attempts, attemptCount, nextAt } = delivery
  const again = useAction(async () => {
    await call('POST', `${path}/${part(id)}/redeliver`)
    await refresh(path)
  })
  const text = readable(body)
  return (
    <Modal open onClose={onClose} title={type} said={<Status word={deliveryState(delivery)} />} wide>
      <div className="stack">
        <div className="sent">
          <pre tabIndex={0} role="group" aria-label="What is sent">
            {text}
          </pre>
          <CopyButton text={body} what="what is sent" />
        </div>
        <p className="small quiet">
          {plural(attemptCount, 'try', 'tries')}
          {nextAt !== null && (
            <>
              {', the next '}
              <Ago at={nextAt} />
            </>
          )}
        </p>
        {attempts.length > 0 && (
          <Table head={['Try', 'Answer']}>
            {attempts.map((attempt) => (
              <tr key={attempt.at}>
                <td className="quiet">
                  <Ago at={attempt.at} />
                </td>
                <td>{attemptText(attempt)}</td>
              </tr>
            ))}
          </Table>
        )}
        {again.error !== null && <Notice tone="bad">{again.error}</Notice>}
      </div>
      <div className="buttons">
        <Button onClick={onClose}>Close</Button>
        <Button
          kind="primary"
          why={isOn ? null : 'Turn the webhook on first.'}
          busy={again.busy}
          onClick={() => void again.run()}
        >
          Send it again
        </Button>
      </div>
    </Modal>
  )
}
