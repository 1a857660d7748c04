/** The images of Debian that all apps stand on: which is in use, and moving from one to the next. */
import { useCallback, useEffect, useState } from 'react'
import type { StackLogLine, StacksView, StackView } from '../../../../core/contract/api.ts'
import { call, part, readLines } from '../../api/client.ts'
import { sentenceOf } from '../../api/actions.ts'
import { refresh, remove, useGet } from '../../api/queries.ts'
import { useFigure } from '../../live/hooks.ts'
import type { Word } from '../../text/words.ts'
import { bytes, plural } from '../../text/format.ts'
import { Ansi } from '../../ui/Ansi.tsx'
import { Button } from '../../ui/Button.tsx'
import { AskButton, Modal } from '../../ui/Dialogs.tsx'
import { LogView } from '../../ui/LogView.tsx'
import { Ago, Empty, Notice, PageHead, Status, Tag } from '../../ui/parts.tsx'
import { TableCard } from '../../ui/Table.tsx'

const words: Record<StackView['state'], Word> = {
  building: { text: 'Building', tone: 'busy' },
  built: { text: 'Built', tone: 'good' },
  failed: { text: 'Failed', tone: 'bad' },
  lost: { text: 'Builder lost', tone: 'bad' },
}

export function Stacks() {
  const asked = useGet<StacksView>('/v1/stacks')
  const { data } = asked
  useNews(data)
  const [reading, setReading] = useState<string | null>(null)
  useEffect(() => {
    document.title = 'Stacks · Berth'
  }, [])
  const change = async (body: object): Promise<void> => {
    await call('PATCH', '/v1/stacks', { body })
    await refresh('/v1/stacks')
  }
  return (
    <>
      <PageHead
        title="Stacks"
        about={
          data && (
            <span>
              {plural(data.onCurrent, 'instance')} of {data.instances} on the stack in use
            </span>
          )
        }
      >
        {data?.previous && (
          <AskButton
            label="Go back"
            title={`Go back to ${data.previous}?`}
            effect={<p>Instances are replaced by ones on {data.previous}, app by app, without downtime.</p>}
            name={data.previous}
            verb="Go back"
            work={() => change({ rollback: true })}
          />
        )}
        <AskButton
          label="Build a stack"
          kind="primary"
          title="Build a new stack?"
          effect={
            <p>A host installs the newest packages of Debian into a new image. Nothing changes until you use it.</p>
          }
          verb="Build it"
          work={async () => {
            await call('POST', '/v1/stacks', { body: {} })
            await refresh('/v1/stacks')
          }}
        />
      </PageHead>
      <TableCard
        asked={asked}
        rows={data?.stacks}
        head={[
          'Stack',
          'State',
          ['Debian', 'wide'],
          ['Size', 'num wide'],
          ['Instances', 'num'],
          ['Hosts', 'num wide'],
          ['Built', 'wider'],
          '',
        ]}
        empty={<Empty title="No stacks yet" />}
        row={(stack) => (
          <Row
            key={stack.name}
            stack={stack}
            onRead={() => setReading(stack.name)}
            onUse={() => change({ use: stack.name })}
          />
        )}
      />
      {reading !== null && <Making name={reading} onClose={() => setReading(null)} />}
    </>
  )
}

/** No event tells of stacks: what is being built says so itself when it ends, and instances say when they are replaced. */
function useNews(known: StacksView | undefined): void {
  const building = known?.stacks.find(({ state }) => state === 'building')?.name
  useEffect(() => {
    if (building === undefined) return
    const stopped = new AbortController()
    const again = (): void => void (stopped.signal.aborted || refresh('/v1/stacks'))
    void readLines(`/v1/stacks/${part(building)}/log`, () => {}, stopped.signal).then(again, () => {})
    return () => stopped.abort()
  }, [building])
  const instances = useFigure('instances', '*', (all) => all.map(({ id }) => id).join())
  useEffect(() => {
    const timer = setTimeout(() => void refresh('/v1/stacks'), SETTLE_MS)
    return () => clearTimeout(timer)
  }, [instances])
}

/** Instances come and go one after the other; what is asked for then is asked for once. */
const SETTLE_MS = 1000

function Row({ stack, onRead, onUse }: { stack: StackView; onRead: () => void; onUse: () => Promise<void> }) {
  const { name, inUse, own, debian, bytes: size, instances, hosts, builtAt, error, state } = stack
  return (
    <tr>
      <td>
        <code className="strong">{name}</code> {inUse && <Tag tone="accent">In use</Tag>}{' '}
        {own && <Tag>A host’s own</Tag>}
        {error !== null && <div className="small bad-text">{error}</div>}
      </td>
      <td>
        <Status word={words[state]} />
      </td>
      <td className="wide quiet">{debian ?? '–'}</td>
      <td className="num wide quiet">{size === null ? '–' : bytes(size)}</td>
      <td className="num">{instances}</td>
      <td className="num wide">{hosts.length}</td>
      <td className="wider quiet">{builtAt === null ? '–' : <Ago at={builtAt} />}</td>
      <td className="actions">
        {!own && (
          <span className="row">
            <Button kind="plain" size="small" onClick={onRead}>
              Log
            </Button>
            {!inUse && state === 'built' && (
              <AskButton
                label="Use"
                size="small"
                title={`Use ${name}?`}
                effect={
                  <p>
                    Every instance of every tenant is replaced by one on this stack, app by app, without downtime. An
                    app that does not come up stops the change.
                  </p>
                }
                name={name}
                verb="Use it"
                work={onUse}
              />
            )}
            {!inUse && instances === 0 && state !== 'building' && (
              <AskButton
                label="Destroy"
                kind="danger"
                size="small"
                title={`Destroy ${name}?`}
                effect={<p>Its image is deleted on every host. Going back to it means building it again.</p>}
                name={name}
                verb="Destroy it"
                work={() => remove('/v1/stacks', name)}
              />
            )}
          </span>
        )}
      </td>
    </tr>
  )
}

function Making({ name, onClose }: { name: string; onClose: () => void }) {
  const [lines, setLines] = useState<string[]>([])
  const [error, setError] = useState<string | null>(null)
  const add = useCallback(
    (values: StackLogLine[]) =>
      setLines((before) => [...before, ...values.flatMap((value) => ('line' in value ? [value.line] : []))]),
    [],
  )
  useEffect(() => {
    const stopped = new AbortController()
    setLines([])
    readLines(`/v1/stacks/${part(name)}/log`, add, stopped.signal).catch((thrown: unknown) => {
      if (!stopped.signal.aborted) setError(sentenceOf(thrown))
    })
    return () => stopped.abort()
  }, [name, add])
  return (
    <Modal open wide onClose={onClose} title={`The making of ${name}`}>
      {error !== null && <Notice tone="bad">{error}</Notice>}
      <LogView
        label={`The making of ${name}`}
        count={lines.length}
        wrap
        line={(index) => <Ansi line={lines[index] ?? ''} />}
        empty={<Empty title="It said nothing yet" />}
      />
      <div className="buttons">
        <Button onClick={onClose}>Close</Button>
      </div>
    </Modal>
  )
}
