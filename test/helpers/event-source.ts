/** Reads server-sent events (WHATWG HTML §9.2.6) as a browser does, so that a test can wait for one. */
import { request, type IncomingMessage } from 'node:http'

export type SentEvent = { event: string; data: unknown }

export type EventSource = {
  /** The next event that is wanted; those before it are passed over. @throws when the stream ends before, or after a while */
  next(wanted?: (event: SentEvent) => boolean): Promise<SentEvent>
  /** All that came so far, as text. */
  text(): string
  /** Resolves when the stream has ended, however it did. */
  ended: Promise<void>
  response: IncomingMessage
  close(): void
}

const PATIENCE_MS = 15_000

/** @throws an Error with the answer when that is not an event stream */
export async function openEvents(url: string, token: string): Promise<EventSource> {
  const asked = request(url, { headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' } })
  asked.end()
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    asked.on('response', resolve)
    asked.on('error', reject)
  })
  asked.on('error', () => {})
  response.setEncoding('utf8')
  const ended = new Promise<void>((resolve) => response.on('close', resolve))
  const queue: SentEvent[] = []
  let said = ''
  let rest = ''
  let wake = () => {}
  response.on('error', () => {})
  response.on('close', () => wake())
  response.on('data', (chunk: string) => {
    said += chunk
    const blocks = (rest + chunk).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const fields = Object.fromEntries(
        block.split('\n').map((line) => line.split(/: ?(.*)/s).slice(0, 2) as [string, string]),
      )
      if (fields['data'] !== undefined)
        queue.push({ event: fields['event'] ?? 'message', data: JSON.parse(fields['data']) as unknown })
    }
    wake()
  })
  return {
    response,
    ended,
    text: () => said,
    close: () => response.destroy(),
    async next(wanted = () => true) {
      const deadline = Date.now() + PATIENCE_MS
      for (;;) {
        for (let event = queue.shift(); event; event = queue.shift()) if (wanted(event)) return event
        if (response.destroyed) throw new Error(`the stream ended; it said: ${said.slice(-500)}`)
        if (Date.now() > deadline) throw new Error(`nothing of what is wanted came; it said: ${said.slice(-500)}`)
        await new Promise<void>((resolve) => {
          wake = resolve
          setTimeout(resolve, 500)
        })
      }
    },
  }
}
