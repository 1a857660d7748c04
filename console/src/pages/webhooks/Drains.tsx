/** Log drains: where lines of logs are sent on to, of one app or, for operators, of all. */
import { useState } from 'react'
import type { DrainsView, DrainView } from '../../../../core/contract/drains.ts'
import { useAction } from '../../api/actions.ts'
import { call } from '../../api/client.ts'
import { refresh, remove, useGet } from '../../api/queries.ts'
import { plural } from '../../text/format.ts'
import { drainState, hostOf } from '../../text/webhooks.ts'
import { Button } from '../../ui/Button.tsx'
import { AskButton, DialogForm, Modal } from '../../ui/Dialogs.tsx'
import { TextField } from '../../ui/fields.tsx'
import { Ago, Empty, Status } from '../../ui/parts.tsx'
import { Named, TableCard } from '../../ui/Table.tsx'

/** @property of whose lines. @property why this person may not change them; null: they may */
type Props = { path: string; of: string; why: string | null }

export function Drains({ path, of, why }: Props) {
  const asked = useGet<DrainsView>(path)
  const [adding, setAdding] = useState(false)
  return (
    <>
      <TableCard
        title="Log drains"
        aside={
          why === null && (
            <Button size="small" icon="plus" onClick={() => setAdding(true)}>
              Add a drain
            </Button>
          )
        }
        asked={asked}
        rows={asked.data?.drains}
        head={['Collector', 'State', ['Added', 'wide'], ...(why === null ? [''] : [])]}
        empty={
          <Empty title="No log drains yet">
            <p>Lines of the log of {of} are sent on to a collector as they come: over HTTPS, or as syslog.</p>
          </Empty>
        }
        row={(drain) => <Row key={drain.id} path={path} drain={drain} mayChange={why === null} />}
      />
      {adding && <Add path={path} of={of} onClose={() => setAdding(false)} />}
    </>
  )
}

function Row({ path, drain, mayChange }: { path: string; drain: DrainView; mayChange: boolean }) {
  const { id, url, createdAt, createdBy, sent, dropped, failure } = drain
  const host = hostOf(url)
  return (
    <tr>
      <td>
        <Named name={url} also={id} />
      </td>
      <td>
        <Status word={drainState(drain)} />
        {sent > 0 && <div className="small quiet">{plural(sent, 'line')} sent</div>}
        {failure !== null && <div className="small quiet">{failure}</div>}
        {dropped > 0 && <div className="small quiet">{plural(dropped, 'line')} dropped</div>}
      </td>
      <td className="wide quiet">
        {createdBy}, <Ago at={createdAt} />
      </td>
      {mayChange && (
        <td className="actions">
          <AskButton
            label="Remove"
            kind="danger"
            size="small"
            title={`Send no more lines to ${host}?`}
            effect={<p>It gets nothing from now on, also nothing that it lagged behind. The log itself stays.</p>}
            name={host}
            verb="Remove it"
            work={() => remove(path, id)}
          />
        </td>
      )}
    </tr>
  )
}

function Add({ path, of, onClose }: { path: string; of: string; onClose: () => void }) {
  const [url, setUrl] = useState('')
  const [token, setToken] = useState('')
  const action = useAction(async () => {
    await call('POST', path, { body: { url: url.trim(), ...(token === '' ? {} : { token }) } })
    await refresh(path)
    onClose()
  })
  return (
    <Modal open onClose={onClose} title="Add a log drain" said={`It gets each line of ${of} from now on.`}>
      <DialogForm action={action} submit="Add it" onCancel={onClose}>
        <TextField
          label="Where"
          required
          mono
          maxLength={2000}
          autoComplete="off"
          placeholder="syslog+tls://logs.example.com:6514"
          hint="https://… takes lines of JSON; syslog+tls://HOST:PORT and syslog://HOST:PORT take RFC 5424."
          value={url}
          onChange={setUrl}
        />
        <TextField
          label="Token"
          type="password"
          autoComplete="off"
          maxLength={500}
          hint="For HTTPS, where the collector wants one: Authorization: Bearer."
          value={token}
          onChange={setToken}
        />
      </DialogForm>
    </Modal>
  )
}
