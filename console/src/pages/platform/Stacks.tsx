/** The images of Debian that all apps stand on: which is in use, and moving from one to the next. */
import { useCallback, useEffect, useState } from 'react'
import type { StackLogLine, StacksView, StackView } from '../../../../core/contract/api.ts'
import { call, part, readLines } from '../../api/client.ts'
import { sentenceOf } from '../../api/actions.ts'
import { refresh, useGet } from '../../api/queries.ts'
import type { Word } from '../../text/words.ts'
import { bytes, plural } from '../../text/format.ts'
import { Ansi } from '../../ui/Ansi.tsx'
import { Button } from '../../ui/Button.tsx'
import { AskButton, Modal } from '../../ui/Dialogs.tsx'
import { LogView } from '../../ui/LogView.tsx'
import { Ago, Card, Empty, Failed, Loading, Notice, PageHead, Status, Tag } from '../../ui/parts.tsx'

const words: Record<StackView['state'], Word> = {
  building: { text: 'Building', tone: 'busy' },
  built: { text: 'Built', tone: 'good' },
  failed: { text: 'Failed', tone: 'bad' },
  lost: { text: 'Builder lost', tone: 'bad' },
}

export function Stacks() {
  const { data, error, isLoading, again } = useGet<StacksView>('/v1/stacks', { everyMs: 15_000 })
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
      <Card flush>
        {error && <Failed error={error} again={again} />}
        {isLoading && <Loading lines={4} />}
        {data?.stacks.length === 0 && <Empty title="No stacks yet" />}
        {data && data.stacks.length > 0 && (
          <div className="table-wrap">
            <table className="table">
              <thead>
                <tr>
                  <th>Stack</th>
                  <th>State</th>
                  <th className="wide">Debian</th>
                  <th className="num wide">Size</th>
                  <th className="num">Instances</th>
                  <th className="num wide">Hosts</th>
                  <th className="wider">Built</th>
                  <th>
                    <span className="sr-only">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {data.stacks.map((stack) => (
                  <Row
                    key={stack.name}
                    stack={stack}
                    onRead={() => setReading(stack.name)}
                    onUse={() => change({ use: stack.name })}
                  />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Card>
      {reading !== null && <Making name={reading} onClose={() => setReading(null)} />}
    </>
  )
}

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
                work={async () => {
                  await call('DELETE', `/v1/stacks/${part(name)}`)
                  await refresh('/v1/stacks')
                }}
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
