/** Follows what changes (`GET /v1/live`), across connections that break off, and keeps what it was told. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Readable } from 'node:stream'
import type { LiveChange, LiveTopic, LiveTopics } from '#core/contract/live.ts'
import type { Client } from './client.ts'
import { CliError, exitCodes } from './failures.ts'

export type Told = { [Topic in LiveTopic]: { topic: Topic; change: LiveChange<Topic> } }[LiveTopic]

const MAX_TRIES = 10
const PAUSE_MS = 1_000

/**
 * Yields each change. A stream that broke off is begun again, and then each topic begins with a reset.
 * @param app the only one; null: all that one may see
 * @throws exit code 4 when the API stays away, and what it refuses
 */
export async function* follow(
  client: Client,
  topics: readonly LiveTopic[],
  app: string | null,
  signal: AbortSignal,
): AsyncGenerator<Told, void, undefined> {
  const query = { topics: topics.join(','), app: app ?? undefined }
  let wasThere = false
  for (let tries = 1; !signal.aborted; tries += 1) {
    try {
      const { content } = await client.download('/live', { query })
      for await (const told of eventsOf(content, signal)) {
        wasThere = true
        tries = 1
        yield told
      }
    } catch (error) {
      if (signal.aborted) return
      const mayReturn = wasThere && error instanceof CliError && error.exitCode === exitCodes.unreachable
      if (!mayReturn || tries >= MAX_TRIES) throw error
    }
    await sleep(PAUSE_MS, undefined, { signal }).catch(() => {})
  }
}

/** WHATWG HTML §9.2.6, as far as Berth writes it: `event:` and one line of `data:`, with a blank line after them. */
async function* eventsOf(content: Readable, signal: AbortSignal): AsyncGenerator<Told> {
  const leave = () => content.destroy()
  signal.addEventListener('abort', leave, { once: true })
  content.setEncoding('utf8')
  let rest = ''
  try {
    for await (const chunk of content as AsyncIterable<string>) {
      const blocks = (rest + chunk).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const topic = /^event: (.*)$/m.exec(block)?.[1]
        const data = /^data: (.*)$/m.exec(block)?.[1]
        if (topic !== undefined && data !== undefined) yield { topic, change: JSON.parse(data) as unknown } as Told
      }
    }
  } catch (error) {
    // The connection broke off, or was broken off: whoever follows begins again, or has left.
    if (!(error instanceof Error) || !('code' in error)) throw error
  } finally {
    signal.removeEventListener('abort', leave)
    content.destroy()
  }
}

/** What is known of a topic after all its changes. */
export class Known<Topic extends LiveTopic> {
  readonly #idOf: (view: LiveTopics[Topic]) => string
  #views = new Map<string, LiveTopics[Topic]>()
  /** Whether the platform has said all that there is. */
  isWhole = false

  constructor(idOf: (view: LiveTopics[Topic]) => string) {
    this.#idOf = idOf
  }

  /** @returns how those that are new or different were before; null: they were not there */
  take({ reset, put, drop }: LiveChange<Topic>): { before: LiveTopics[Topic] | null; after: LiveTopics[Topic] }[] {
    const changed = put.map((after) => ({ before: this.#views.get(this.#idOf(after)) ?? null, after }))
    if (reset) this.#views = new Map()
    this.isWhole ||= reset === true
    for (const view of put) this.#views.set(this.#idOf(view), view)
    for (const id of drop) this.#views.delete(id)
    return changed
  }

  get views(): LiveTopics[Topic][] {
    return [...this.#views.values()]
  }
}
