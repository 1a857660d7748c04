/** From which values on there is an alert, here or as it was set further up. */
import { useState } from 'react'
import type { AlertKind, AlertRulesView, PatchAlerts } from '../../../../core/contract/alerts.ts'
import { useAction } from '../../api/actions.ts'
import { call } from '../../api/client.ts'
import { refresh } from '../../api/queries.ts'
import { kindsOf, ruleText, whatOf, type Rule } from '../../text/alerts.ts'
import { alertWord } from '../../text/words.ts'
import { Button } from '../../ui/Button.tsx'
import { DialogForm, Modal } from '../../ui/Dialogs.tsx'
import { SelectField, TextField } from '../../ui/fields.tsx'
import { Status, Tag } from '../../ui/parts.tsx'
import { TableCard } from '../../ui/Table.tsx'
import { say } from '../../ui/toasts.tsx'
import type { AlertsProps } from './AlertSettings.tsx'

/** @throws ApiError */
export async function changeAlerts(path: string, patch: PatchAlerts): Promise<void> {
  await call('PATCH', path, { body: patch })
  await refresh(path)
}

type Props = AlertsProps & { view: AlertRulesView }

export function Rules({ path, of, why, view: { rules, own } }: Props) {
  const [editing, setEditing] = useState<AlertKind | null>(null)
  const known = kindsOf(of).flatMap((kind) => {
    const rule = rules[kind]
    return rule ? [{ kind, rule }] : []
  })
  const edited = known.find(({ kind }) => kind === editing)
  return (
    <>
      <TableCard
        title="Rules"
        rows={known}
        head={['Alert', ['When', 'wide'], 'Limit', 'State', '']}
        empty={null}
        row={({ kind, rule }) => (
          <tr key={kind}>
            <td>
              <span className="strong">{alertWord(kind)}</span>{' '}
              {of !== 'platform' && own.includes(kind) && <Tag>Set here</Tag>}
            </td>
            <td className="wide quiet">{whatOf(kind).about}</td>
            <td>{ruleText(kind, rule)}</td>
            <td>
              <Status word={rule.on ? { text: 'On', tone: 'good' } : { text: 'Off', tone: 'idle' }} />
            </td>
            <td className="actions">
              <Button
                kind="plain"
                size="small"
                icon="edit"
                label={`Change the rule ${alertWord(kind)}`}
                why={why}
                onClick={() => setEditing(kind)}
              />
            </td>
          </tr>
        )}
      />
      {edited && (
        <Edit
          path={path}
          kind={edited.kind}
          rule={edited.rule}
          isOwn={own.includes(edited.kind)}
          onClose={() => setEditing(null)}
        />
      )}
    </>
  )
}

const times = [
  ['0', 'at once'],
  ['60', 'for 1 minute'],
  ['120', 'for 2 minutes'],
  ['300', 'for 5 minutes'],
  ['900', 'for 15 minutes'],
  ['3600', 'for an hour'],
] as const

type EditProps = { path: string; kind: AlertKind; rule: Rule; isOwn: boolean; onClose: () => void }

function Edit({ path, kind, rule, isOwn, onClose }: EditProps) {
  const { about, unit, step = 1 } = whatOf(kind)
  const [on, setOn] = useState(rule.on ? 'on' : 'off')
  const [limit, setLimit] = useState(String(rule.limit ?? ''))
  const [forSeconds, setFor] = useState(String(rule.forSeconds))
  const change = async (to: NonNullable<PatchAlerts['rules']>[AlertKind], done: string): Promise<void> => {
    await changeAlerts(path, { rules: { [kind]: to } })
    onClose()
    say(done)
  }
  const save = useAction(() =>
    change(
      { on: on === 'on', forSeconds: Number(forSeconds), ...(unit === null ? {} : { limit: Number(limit) }) },
      `The rule ${alertWord(kind)} is changed.`,
    ),
  )
  const takeBack = useAction(() => change(null, `The rule ${alertWord(kind)} is as it was set further up.`))
  const isListed = times.some(([seconds]) => seconds === forSeconds)
  return (
    <Modal open onClose={onClose} title={alertWord(kind)} said={`${about}.`}>
      <DialogForm
        action={{ ...save, error: save.error ?? takeBack.error }}
        submit="Save"
        onCancel={onClose}
        also={
          isOwn && (
            <Button kind="plain" busy={takeBack.busy} onClick={() => void takeBack.run()}>
              As further up
            </Button>
          )
        }
      >
        <SelectField
          label="Alert"
          value={on}
          onChange={setOn}
          options={[
            ['on', 'On'],
            ['off', 'Off'],
          ]}
        />
        {unit !== null && (
          <TextField
            label={`Limit, in ${unit}`}
            type="number"
            step={step}
            min={0}
            required
            value={limit}
            onChange={setLimit}
          />
        )}
        <SelectField
          label="It begins when that holds"
          value={forSeconds}
          onChange={setFor}
          options={isListed ? times : [...times, [forSeconds, `for ${forSeconds} s`] as const]}
        />
      </DialogForm>
    </Modal>
  )
}
