/** Where a webhook leads, and what it is told of. */
import { useState } from 'react'
import type { WebhookSecretView, WebhookView } from '../../../../core/contract/webhooks.ts'
import { useAction } from '../../api/actions.ts'
import { call, part } from '../../api/client.ts'
import { refresh } from '../../api/queries.ts'
import { isChosen, toggled, topics, type Topic } from '../../text/webhooks.ts'
import { DialogForm, Modal } from '../../ui/Dialogs.tsx'
import { SelectField, TextField } from '../../ui/fields.tsx'

type AddProps = { path: string; of: string; onMade: (secret: string) => void; onClose: () => void }

export const AddWebhook = ({ path, of, onMade, onClose }: AddProps) => (
  <Edit
    title={`Add a webhook to ${of}`}
    submit="Add it"
    url=""
    events={null}
    save={async (body) => {
      const { secret } = await call<WebhookSecretView>('POST', path, { body })
      await refresh(path)
      onMade(secret)
    }}
    onClose={onClose}
  />
)

type ChangeProps = { path: string; webhook: WebhookView; onClose: () => void }

export const ChangeWebhook = ({ path, webhook: { id, url, events }, onClose }: ChangeProps) => (
  <Edit
    title="Change this webhook"
    submit="Save"
    url={url}
    events={events}
    save={async (body) => {
      // Another URL is tried as if it were new; the same one is not.
      const { url: wanted, ...rest } = body
      await call('PATCH', `${path}/${part(id)}`, { body: wanted === url ? rest : body })
      await refresh(path)
    }}
    onClose={onClose}
  />
)

/** @property events null: nobody chose yet, so it is what the API chooses */
type EditProps = {
  title: string
  submit: string
  url: string
  events: string[] | null
  save: (body: { url: string; events?: string[] }) => Promise<void>
  onClose: () => void
}

type How = 'usual' | 'all' | 'some'
const usual = ['usual', 'What somebody may have to act on'] as const
const ways = [
  ['all', 'Everything'],
  ['some', 'What I choose'],
] as const

function Edit({ title, submit, url: before, events: had, save, onClose }: EditProps) {
  const [url, setUrl] = useState(before)
  const [how, setHow] = useState<How>(had === null ? 'usual' : had.includes('*') ? 'all' : 'some')
  const [chosen, setChosen] = useState<string[]>(had?.filter((name) => name !== '*') ?? ['deploy.*', 'alert.*'])
  const action = useAction(async () => {
    if (how === 'some' && chosen.length === 0) throw new Error('Choose at least one event.')
    await save({ url: url.trim(), ...(how === 'usual' ? {} : { events: how === 'all' ? ['*'] : chosen }) })
    onClose()
  })
  return (
    <Modal open onClose={onClose} title={title} wide={how === 'some'}>
      <DialogForm action={action} submit={submit} onCancel={onClose}>
        <TextField
          label="URL"
          type="url"
          required
          mono
          maxLength={2000}
          autoComplete="off"
          placeholder="https://hooks.example.com/berth"
          value={url}
          onChange={setUrl}
        />
        <SelectField<How>
          label="Told of"
          value={how}
          onChange={setHow}
          options={had === null ? [usual, ...ways] : ways}
          {...(how === 'usual'
            ? {
                hint: 'Deploys, releases that fell back, alerts, crashes, suspensions, and webhooks that were given up.',
              }
            : {})}
        />
        {how === 'some' && (
          <div className="event-topics">
            {topics.map((topic) => (
              <Choice key={topic.name} topic={topic} chosen={chosen} onChange={setChosen} />
            ))}
          </div>
        )}
      </DialogForm>
    </Modal>
  )
}

type ChoiceProps = { topic: Topic; chosen: string[]; onChange: (chosen: string[]) => void }

const Choice = ({ topic: { name, title, events }, chosen, onChange }: ChoiceProps) => (
  <fieldset>
    <legend>{title}</legend>
    <label>
      <input type="checkbox" checked={chosen.includes(name)} onChange={() => onChange(toggled(chosen, name))} />
      <code>{name}</code>
      <span className="quiet small">all of these, also those to come</span>
    </label>
    {events.map((event) => (
      <label key={event.name}>
        <input
          type="checkbox"
          checked={isChosen(chosen, event.name)}
          disabled={chosen.includes(name)}
          onChange={() => onChange(toggled(chosen, event.name))}
        />
        <code>{event.name}</code>
        <span className="quiet small">{event.about}</span>
      </label>
    ))}
  </fieldset>
)
