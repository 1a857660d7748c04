import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import express, { type Response } from 'express'
import { openEventStream } from '../../../../controller/api/event-stream.ts'
import { append, diff, emptyTail, type Item } from '../../../../controller/live/changes.ts'
import type { Picture } from '../../../../controller/live/picture.ts'
import { createViewer, type Viewer } from '../../../../controller/live/viewer.ts'

const PATIENCE_MS = 1_500
/** More than the buffers of both ends of a connection take. */
const LARGE = 'x'.repeat(200_000)

const anItem = (text: string): Item => ({ target: null, text: JSON.stringify({ text }), sources: [] })
const aPicture = (...texts: string[]): Picture => ({
  keyed: { hosts: new Map(texts.map((text, n) => [`h-${n}`, anItem(text)])) },
  events: null,
})

describe('a client that does not take what it is sent', function () {
  this.timeout(60_000)
  let server: Server
  let port: number
  let response: Response | null
  let viewer: Viewer | null
  const stopping = new AbortController()

  before(async () => {
    const app = express()
    app.get('/', (_req, res) => {
      response = res
      const stream = openEventStream(res, stopping.signal, PATIENCE_MS)
      viewer = createViewer(stream, {
        topics: ['hosts', 'events'],
        sees: () => true,
        diff,
        textOf: (_topic, { text }) => text,
      })
    })
    server = createServer(app)
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    port = (server.address() as AddressInfo).port
  })
  after(() => {
    stopping.abort()
    server.closeAllConnections()
    server.close()
  })

  const follow = async (): Promise<{ socket: Socket; shown: Viewer; res: Response }> => {
    response = viewer = null
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await until(() => viewer !== null && response !== null)
    return { socket, shown: viewer as unknown as Viewer, res: response as unknown as Response }
  }

  it('is not queued for: what is kept for it does not grow with what changes, and in the end it is cut', async () => {
    const { socket, shown, res } = await follow()
    socket.pause()
    let most = 0
    let rounds = 0
    while (!shown.signal.aborted) {
      shown.show(aPicture(...Array.from({ length: 20 }, (_, n) => `${rounds}-${n}${LARGE}`)))
      most = Math.max(most, res.writableLength)
      rounds += 1
      assert.ok(rounds < 3_000, 'it was not cut')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    assert.ok(rounds > 3, `${rounds} rounds`)
    // Two pictures at most: the one that filled it up, and the one that was begun when it had taken the one before.
    assert.ok(most < 2 * 21 * LARGE.length, `${most} bytes`)
    socket.destroy()
  })

  it('that goes on in time is sent what changed meanwhile as one, and is not cut', async () => {
    const { socket, shown } = await follow()
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    await until(() => text.includes('retry:'))
    socket.pause()
    shown.show(aPicture(...Array.from({ length: 60 }, (_, n) => `${n}${LARGE}`)))
    for (let round = 1; round <= 5; round++) shown.show(aPicture(`round ${round}`))
    socket.resume()
    await until(() => text.includes('round 5'))
    assert.doesNotMatch(text, /round [1-4]/)
    assert.match(text, /"put":\[\{"text":"round 5"\}\],"drop":\["h-1","h-2",/)
    await new Promise((resolve) => setTimeout(resolve, 1.5 * PATIENCE_MS))
    assert.equal(shown.signal.aborted, false)
    socket.destroy()
    await until(() => shown.signal.aborted)
  })

  it('that was away for longer than events are kept is shown the newest anew', async () => {
    const { socket, shown } = await follow()
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    const news = (from: number, count: number) => Array.from({ length: count }, (_, n) => anItem(`event ${from + n}`))
    const before = append(emptyTail, news(0, 3), 10)
    shown.show({ keyed: {}, events: before })
    shown.show({ keyed: {}, events: append(before, news(3, 1), 10) })
    shown.show({ keyed: {}, events: append(append(before, news(3, 10), 10), news(13, 10), 10) })
    await until(() => text.includes('event 22'))
    const changes = [...text.matchAll(/^data: (.*)$/gm)].map(
      ([, data]) => JSON.parse(data ?? '') as { reset?: true; put: [] },
    )
    assert.deepEqual(
      changes.map(({ reset, put }) => [reset ?? false, put.length]),
      [
        [true, 3],
        [false, 1],
        [true, 10],
      ],
    )
    socket.destroy()
  })
})

async function until(isTrue: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!isTrue()) {
    assert.ok(Date.now() < deadline, 'it did not happen')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
