/** Commands that ran once, by somebody's wish or by the clock, and those that run now. */
import { useState } from 'react'
import { Link } from 'wouter'
import type { RunView } from '../../../../core/contract/api.ts'
import { useAction } from '../../api/actions.ts'
import { call, part } from '../../api/client.ts'
import { useList } from '../../api/lists.ts'
import { refresh } from '../../api/queries.ts'
import { appPath } from '../../text/attention.ts'
import { duration } from '../../text/format.ts'
import { runState } from '../../text/words.ts'
import { Button } from '../../ui/Button.tsx'
import { AskButton, DialogForm, Modal } from '../../ui/Dialogs.tsx'
import { TextField } from '../../ui/fields.tsx'
import { Ago, Empty, Status, Tag } from '../../ui/parts.tsx'
import { TableCard } from '../../ui/Table.tsx'
import { say } from '../../ui/toasts.tsx'
import type { TabProps } from './AppPage.tsx'
import { pathOf } from './doings.ts'

export function Runs({ app, why }: TabProps) {
  const asked = useList<RunView>(`${pathOf(app)}/runs?n=50`, 'runs')
  const [beginning, setBeginning] = useState(false)
  const cannot = why ?? (app.release === null ? 'Nothing is deployed yet.' : null)
  return (
    <>
      <TableCard
        title="Runs"
        aside={
          <Button size="small" icon="play" why={cannot} onClick={() => setBeginning(true)}>
            Run a command
          </Button>
        }
        asked={asked}
        rows={asked.items}
        more={asked.more}
        head={['Run', 'State', ['By', 'wide'], ['Took', 'num wide'], ['Begun', 'wide'], '']}
        empty={
          <Empty title="Nothing was run yet">
            <p>
              A command runs once in a sandbox of its own, with the code and config of the release that serves: a
              migration, a repair, a question.
            </p>
          </Empty>
        }
        row={(run) => <Row key={run.id} app={app} why={why} run={run} />}
      />
      {beginning && <Begin app={app} onClose={() => setBeginning(false)} />}
    </>
  )
}

const Row = ({ app, why, run }: Omit<TabProps, 'run'> & { run: RunView }) => (
  <tr>
    <td>
      <Link href={`${appPath(app.name)}/logs?ps=${part(run.name)}`} className="name">
        {run.name}
      </Link>{' '}
      {run.job !== null && <Tag>{run.job}</Tag>}
      <div className="small quiet">
        <code>{run.command}</code>
      </div>
    </td>
    <td>
      <Status word={runState(run)} />
      {run.end && run.end.reason !== 'completed' && <div className="small quiet">{run.end.detail}</div>}
    </td>
    <td className="wide quiet">{run.job === null ? run.actor : 'the clock'}</td>
    <td className="wide num quiet">
      {run.end ? duration(Date.parse(run.end.at) - Date.parse(run.createdAt)) : <span className="faint">–</span>}
    </td>
    <td className="wide quiet">
      <Ago at={run.createdAt} />
    </td>
    <td className="actions">
      {!run.end && (
        <AskButton
          label="Stop"
          kind="danger"
          size="small"
          why={why}
          title={`Stop ${run.name}?`}
          effect={
            <p>
              It is told to end, and is ended 10 s later if it has not. What it did so far stays done; what it was doing
              may be half done.
            </p>
          }
          name={run.name}
          verb="Stop it"
          work={async () => {
            await call('POST', `${pathOf(app)}/runs/${part(run.id)}/stop`)
            await refresh(`${pathOf(app)}/runs`)
            say(`${run.name} is told to end.`)
          }}
        />
      )}
    </td>
  </tr>
)

function Begin({ app, onClose }: { app: TabProps['app']; onClose: () => void }) {
  const [command, setCommand] = useState('')
  const action = useAction(async () => {
    const { name } = await call<RunView>('POST', `${pathOf(app)}/runs`, { body: { command: command.trim() } })
    await refresh(`${pathOf(app)}/runs`)
    say(`${name} begins. What it says is in the log.`)
    onClose()
  })
  return (
    <Modal
      open
      onClose={onClose}
      title={`Run a command in ${app.name}`}
      said="Once, in a sandbox of its own, with the code and config of the release that serves. What it says goes to the log."
    >
      <DialogForm action={action} submit="Run it" onCancel={onClose}>
        <TextField
          label="Command"
          mono
          required
          maxLength={4096}
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          placeholder="node migrate.js"
          value={command}
          onChange={setCommand}
        />
      </DialogForm>
    </Modal>
  )
}
