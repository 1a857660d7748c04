/** Who is told of alerts by mail, and of which nobody is told for a while. */
import { useState } from 'react'
import type { AlertKind, AlertRulesView } from '../../../../core/contract/alerts.ts'
import { useAction } from '../../api/actions.ts'
import { addressesIn, kindsOf } from '../../text/alerts.ts'
import { moment } from '../../text/format.ts'
import { alertWord } from '../../text/words.ts'
import { Button } from '../../ui/Button.tsx'
import { AskButton, DialogForm, Modal } from '../../ui/Dialogs.tsx'
import { AreaField, SelectField } from '../../ui/fields.tsx'
import { Ago, Card, Empty, Notice } from '../../ui/parts.tsx'
import { TableCard } from '../../ui/Table.tsx'
import { say } from '../../ui/toasts.tsx'
import type { AlertsProps } from './AlertSettings.tsx'
import { changeAlerts } from './Rules.tsx'

type Props = AlertsProps & { view: AlertRulesView }

export const Told = (props: Props) => (
  <div className="columns two">
    <Mutes {...props} />
    <Mail {...props} />
  </div>
)

/** A mute that is over is one whose end is past. */
const OVER = new Date(0).toISOString()
const nameOf = (kind: AlertKind | null): string => (kind === null ? 'All alerts' : alertWord(kind))

function Mutes({ path, of, why, view: { mutes } }: Props) {
  const [muting, setMuting] = useState(false)
  return (
    <>
      <TableCard
        title="Mutes"
        aside={
          <Button size="small" why={why} onClick={() => setMuting(true)}>
            Mute
          </Button>
        }
        rows={mutes}
        head={['Alert', 'Ends', ['By', 'wide'], '']}
        empty={
          <Empty title="Nothing is muted">
            <p>While an alert is muted, it is listed as ever, and nobody is told.</p>
          </Empty>
        }
        row={({ kind, until, by }) => (
          <tr key={kind}>
            <td className="strong">{nameOf(kind)}</td>
            <td className="quiet" title={moment(Date.parse(until))}>
              <Ago at={until} />
            </td>
            <td className="wide quiet">{by}</td>
            <td className="actions">
              <AskButton
                label="End"
                size="small"
                why={why}
                title={`Tell of ${nameOf(kind).toLowerCase()} again?`}
                effect={<p>Whoever is to be told hears of it from now on.</p>}
                verb="End the mute"
                work={() => changeAlerts(path, { mute: { kind, until: OVER } })}
              />
            </td>
          </tr>
        )}
      />
      {muting && <Mute path={path} of={of} onClose={() => setMuting(false)} />}
    </>
  )
}

const spans = [
  ['1', 'an hour'],
  ['4', 'four hours'],
  ['24', 'a day'],
  ['168', 'a week'],
] as const

function Mute({ path, of, onClose }: Pick<Props, 'path' | 'of'> & { onClose: () => void }) {
  const [kind, setKind] = useState<AlertKind | ''>('')
  const [hours, setHours] = useState<(typeof spans)[number][0]>('1')
  const action = useAction(async () => {
    const until = new Date(Date.now() + Number(hours) * 3_600_000).toISOString()
    await changeAlerts(path, { mute: { kind: kind === '' ? null : kind, until } })
    onClose()
    say('Nobody is told meanwhile.')
  })
  return (
    <Modal open onClose={onClose} title="Mute" said="Alerts are listed as ever, and told to nobody until then.">
      <DialogForm action={action} submit="Mute" onCancel={onClose}>
        <SelectField
          label="What"
          value={kind}
          onChange={setKind}
          options={[['', 'All alerts'] as const, ...kindsOf(of).map((one) => [one, alertWord(one)] as const)]}
        />
        <SelectField label="For" value={hours} onChange={setHours} options={spans} />
      </DialogForm>
    </Modal>
  )
}

function Mail({ path, of, why, view: { mail, mailWorks } }: Props) {
  const [editing, setEditing] = useState(false)
  return (
    <Card
      title="Told by mail"
      aside={
        <Button size="small" why={why} onClick={() => setEditing(true)}>
          Change
        </Button>
      }
    >
      <div className="stack tight">
        {!mailWorks && <Notice>No mail is sent: the operator has named no mail server.</Notice>}
        {mail === null ? (
          <p className="quiet">{of === 'platform' ? 'Nobody.' : 'As it is set further up.'}</p>
        ) : mail.length === 0 ? (
          <p className="quiet">Nobody.</p>
        ) : (
          <ul>
            {mail.map((address) => (
              <li key={address}>{address}</li>
            ))}
          </ul>
        )}
      </div>
      {editing && <EditMail path={path} mail={mail ?? []} onClose={() => setEditing(false)} />}
    </Card>
  )
}

function EditMail({ path, mail, onClose }: { path: string; mail: string[]; onClose: () => void }) {
  const [text, setText] = useState(mail.join('\n'))
  const set = async (to: string[] | null): Promise<void> => {
    await changeAlerts(path, { mail: to })
    onClose()
  }
  const save = useAction(() => set(addressesIn(text)))
  const takeBack = useAction(() => set(null))
  return (
    <Modal
      open
      onClose={onClose}
      title="Told by mail"
      said="One address a line, ten at most. None: nobody is told by mail."
    >
      <DialogForm
        action={{ ...save, error: save.error ?? takeBack.error }}
        submit="Save"
        onCancel={onClose}
        also={
          <Button kind="plain" busy={takeBack.busy} onClick={() => void takeBack.run()}>
            As further up
          </Button>
        }
      >
        <AreaField label="Addresses" placeholder="ann@example.com" value={text} onChange={setText} />
      </DialogForm>
    </Modal>
  )
}
