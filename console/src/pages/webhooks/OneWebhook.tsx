/** One webhook: what it is told of, how that goes, and what can be done with it. */
import { useState } from 'react'
import { useLocation } from 'wouter'
import type { WebhookSecretView, WebhookView } from '../../../../core/contract/webhooks.ts'
import { sentenceOf, useAction } from '../../api/actions.ts'
import { call, part } from '../../api/client.ts'
import { refresh, remove } from '../../api/queries.ts'
import { count } from '../../text/format.ts'
import { hostOf, webhookState } from '../../text/webhooks.ts'
import { Button } from '../../ui/Button.tsx'
import { AskButton } from '../../ui/Dialogs.tsx'
import { Ago, Card, CopyLine, Notice, Status } from '../../ui/parts.tsx'
import { say, sayFailed } from '../../ui/toasts.tsx'
import { Deliveries } from './Deliveries.tsx'
import { ChangeWebhook } from './EditWebhook.tsx'

type Props = { path: string; webhook: WebhookView; onSecret: (secret: string) => void }

export function OneWebhook({ path, webhook, onSecret }: Props) {
  const own = `${path}/${part(webhook.id)}`
  return (
    <>
      <Card title={hostOf(webhook.url)} aside={<Status word={webhookState(webhook)} />}>
        <div className="stack">
          {webhook.problem !== null && <Notice tone="bad">{problemOf(webhook)}</Notice>}
          <CopyLine text={webhook.url} what="the webhook’s address" />
          <Facts webhook={webhook} />
          <Doings path={path} own={own} webhook={webhook} onSecret={onSecret} />
        </div>
      </Card>
      <Deliveries path={`${own}/deliveries`} isOn={isOn(webhook)} />
    </>
  )
}

const isOn = ({ state }: WebhookView): boolean => state !== 'off' && state !== 'disabled'

const problemOf = ({ state, problem }: WebhookView): string =>
  state === 'disabled'
    ? `It was given up, because ${problem}. Turn it on again once that is mended.`
    : `The last try failed: ${problem}`

const Facts = ({
  webhook: { events, createdAt, createdBy, oldSecretUntil, dropped, failingSince },
}: {
  webhook: WebhookView
}) => (
  <dl className="pairs">
    <dt>Told of</dt>
    <dd>
      <code>{events.join(' ')}</code>
    </dd>
    <dt>Added by</dt>
    <dd>
      {createdBy}, <Ago at={createdAt} />
    </dd>
    {failingSince !== null && (
      <>
        <dt>Failing</dt>
        <dd>
          since <Ago at={failingSince} />
        </dd>
      </>
    )}
    {oldSecretUntil !== null && (
      <>
        <dt>Old secret</dt>
        <dd>
          signs beside the new one, and ends <Ago at={oldSecretUntil} />
        </dd>
      </>
    )}
    {dropped > 0 && (
      <>
        <dt>Left out</dt>
        <dd>{count(dropped)} messages, since too many waited</dd>
      </>
    )}
  </dl>
)

type DoingsProps = Props & { own: string }

function Doings({ path, own, webhook, onSecret }: DoingsProps) {
  const [at, go] = useLocation()
  const [changing, setChanging] = useState(false)
  const host = hostOf(webhook.url)
  const test = useAction(() => told(() => call('POST', `${own}/test`), path, `A test is on its way to ${host}.`))
  const turn = useAction(() => {
    const enabled = !isOn(webhook)
    const done = enabled ? `${host} is told again, of what happens from now on.` : `${host} is told nothing any more.`
    return told(() => call('PATCH', own, { body: { enabled } }), path, done)
  })
  return (
    <div className="row wrap">
      <Button why={isOn(webhook) ? null : 'Turn it on first.'} busy={test.busy} onClick={() => void test.run()}>
        Send a test
      </Button>
      <Button onClick={() => setChanging(true)}>Change</Button>
      <Button busy={turn.busy} onClick={() => void turn.run()}>
        {isOn(webhook) ? 'Turn off' : 'Turn on'}
      </Button>
      <AskButton
        label="New secret"
        title={`A new secret for ${host}?`}
        effect={<p>Messages are signed with both for 24 hours, so that your program can be changed meanwhile.</p>}
        verb="Make it"
        work={async () => {
          const { secret } = await call<WebhookSecretView>('POST', `${own}/rotate`)
          await refresh(path)
          onSecret(secret)
        }}
      />
      <AskButton
        label="Remove"
        kind="danger"
        title={`Remove the webhook to ${host}?`}
        effect={<p>What waits for it is not sent any more, and its deliveries are forgotten.</p>}
        name={host}
        verb="Remove it"
        work={() => remove(path, webhook.id)}
        onDone={() => go(at)}
      />
      {changing && <ChangeWebhook path={path} webhook={webhook} onClose={() => setChanging(false)} />}
    </div>
  )
}

/** There is no place beside these buttons for what went wrong. */
async function told(work: () => Promise<unknown>, path: string, done: string): Promise<void> {
  try {
    await work()
    await refresh(path)
    say(done)
  } catch (error) {
    sayFailed(sentenceOf(error))
  }
}
