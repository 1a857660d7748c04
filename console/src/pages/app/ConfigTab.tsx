/** Config vars: names at a glance, values only when asked for. A change of them is a release. */
import { useCallback, useState } from 'react'
import { useLocation } from 'wouter'
import type { AppView, DeployAccepted } from '../../../../core/contract/api.ts'
import { useAction } from '../../api/actions.ts'
import { call } from '../../api/client.ts'
import { refresh, useGet } from '../../api/queries.ts'
import { appPath } from '../../text/attention.ts'
import { Button } from '../../ui/Button.tsx'
import { AskButton, DialogForm, Modal } from '../../ui/Dialogs.tsx'
import { AreaField, TextField } from '../../ui/fields.tsx'
import { Card, CopyButton, Empty, Failed, Loading, SearchField } from '../../ui/parts.tsx'
import { Table } from '../../ui/Table.tsx'
import type { TabProps } from './AppPage.tsx'
import { pathOf } from './doings.ts'

export function ConfigTab({ app, why }: TabProps) {
  const { data, error, isLoading, again } = useGet<{ config: Record<string, string> }>(
    why === null ? `${pathOf(app)}/config` : null,
  )
  const [text, setText] = useState('')
  const [editing, setEditing] = useState<string | null>(null)
  if (why !== null)
    return (
      <Card>
        <Empty title="Config vars are not for viewers">
          <p>They hold secrets: only those who may change the app can see them. {why}</p>
        </Empty>
      </Card>
    )
  if (error) return <Failed error={error} again={again} />
  if (isLoading || !data) return <Loading lines={6} />
  const names = Object.keys(data.config).sort()
  const shown = names.filter((name) => name.toLowerCase().includes(text.toLowerCase()))
  return (
    <>
      <div className="row between wrap">
        <SearchField label="Filter names" value={text} onChange={setText} />
        <Button kind="primary" icon="plus" onClick={() => setEditing('')}>
          Set a variable
        </Button>
      </div>
      <Card flush title="Config vars" aside={<span className="faint small">{names.length}</span>}>
        {names.length === 0 ? (
          <Empty title="No config vars yet">
            <p>They reach the app as environment variables. A change makes a release with the same code.</p>
          </Empty>
        ) : (
          <Table head={['Name', 'Value', '']}>
            {shown.map((name) => (
              <Row key={name} app={app} name={name} value={data.config[name] ?? ''} onEdit={() => setEditing(name)} />
            ))}
          </Table>
        )}
      </Card>
      {editing !== null && (
        <Edit app={app} name={editing} value={data.config[editing] ?? ''} onClose={() => setEditing(null)} />
      )}
    </>
  )
}

function Row({ app, name, value, onEdit }: { app: AppView; name: string; value: string; onEdit: () => void }) {
  const [isShown, setShown] = useState(false)
  const change = useChange(app)
  return (
    <tr>
      <td>
        <code className="strong">{name}</code>
      </td>
      <td>
        {isShown ? (
          <code className="config-value">{value}</code>
        ) : (
          <span className="faint" aria-label="Hidden">
            ••••••••
          </span>
        )}
      </td>
      <td className="actions">
        <span className="row">
          {isShown && <CopyButton text={value} what={name} />}
          <Button
            kind="plain"
            size="small"
            icon={isShown ? 'hidden' : 'eye'}
            label={`${isShown ? 'Hide' : 'Reveal'} ${name}`}
            onClick={() => setShown(!isShown)}
          />
          <Button kind="plain" size="small" icon="edit" label={`Edit ${name}`} onClick={onEdit} />
          <AskButton
            label="Remove"
            kind="danger"
            size="small"
            title={`Remove ${name}?`}
            effect={
              <p>
                Its value is gone, and a release without it takes over at once. An app that needs it may not start; then
                the release before goes on serving.
              </p>
            }
            name={name}
            verb="Remove it"
            work={() => change({ [name]: null })}
          />
        </span>
      </td>
    </tr>
  )
}

function Edit({
  app,
  name: initial,
  value: before,
  onClose,
}: {
  app: AppView
  name: string
  value: string
  onClose: () => void
}) {
  const [name, setName] = useState(initial)
  const [value, setValue] = useState(before)
  const change = useChange(app)
  const action = useAction(async () => {
    await change({ [name.trim()]: value })
    onClose()
  })
  return (
    <Modal
      open
      onClose={onClose}
      title={initial === '' ? 'Set a config var' : `Change ${initial}`}
      said="Saving makes a release with the same code. Instances are replaced without downtime."
    >
      <DialogForm action={action} submit="Save and release" onCancel={onClose}>
        {initial === '' && (
          <TextField
            label="Name"
            mono
            placeholder="DATABASE_URL"
            autoComplete="off"
            spellCheck={false}
            required
            value={name}
            onChange={setName}
          />
        )}
        <AreaField label="Value" value={value} onChange={setValue} />
      </DialogForm>
    </Modal>
  )
}

function useChange(app: AppView): (patch: Record<string, string | null>) => Promise<void> {
  const [, go] = useLocation()
  return useCallback(
    async (patch) => {
      const answer = await call<Partial<DeployAccepted>>('PATCH', `${pathOf(app)}/config`, { body: patch })
      await refresh(`${pathOf(app)}/config`)
      if (answer.deploy) go(`${appPath(app.name)}/deploys/${answer.deploy.id}`)
    },
    [app, go],
  )
}
