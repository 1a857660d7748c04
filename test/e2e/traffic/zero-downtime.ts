import assert from 'node:assert/strict'
import { request, Agent } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { type World } from '#test/helpers/world.ts'
import type { Start } from '#test/helpers/shared-world.ts'

/** Slow where it is asked to be, gives back a body, and ends with its last request. */
const server = `
const { createServer } = require('node:http')
const server = createServer((request, response) => {
  if (request.method === 'POST') return request.pipe(response)
  setTimeout(() => response.end('steady'), request.url === '/slow' ? 300 : 0)
})
server.listen(process.env.PORT, '0.0.0.0')
process.on('SIGTERM', () => server.close(() => process.exit(0)))
`

export const zeroDowntime = (start: Start): void =>
  void describe('Zero downtime', () => {
    let world: World
    before(async function () {
      this.timeout(180_000)
      world = await start()
      await world.cli(['create', 'steady'])
      const { code, output } = await push('0')
      assert.equal(code, 0, output)
    })

    const push = (version: string) =>
      world.pushApp('steady', 'node-plain', { change: { 'server.js': server, 'version.txt': version } })

    it('F26: not one of steady requests fails through two deploys, a config change, scaling up and down, a restart and a rollback', async function () {
      this.timeout(240_000)
      const load = steadyRequests(world, 'steady')
      for (const step of [
        () => push('1'),
        () => world.cli(['scale', 'web=3', '-a', 'steady']),
        () => push('2'),
        () => world.cli(['config:set', 'GREETING=changed', '-a', 'steady']),
        () => world.cli(['scale', 'web=1', '-a', 'steady']),
        () => world.cli(['ps:restart', '-a', 'steady']),
        () => world.cli(['rollback', '-a', 'steady']),
      ]) {
        const { code } = await step()
        assert.equal(code, 0)
      }
      await wait(3000)
      const { sent, failures } = await load.stop()
      assert.ok(sent > 500, `only ${sent} requests were sent`)
      assert.deepEqual(failures, [], `${failures.length} of ${sent} requests failed`)
    })
  })

/** Six keep-alive clients, each with a request 50 ms after the last; some are slow, some have a body. */
function steadyRequests(world: World, app: string) {
  const failures: string[] = []
  let sent = 0
  let stopped = false
  const agent = new Agent({ keepAlive: true, maxSockets: 6 })
  const paths = ['/', '/info', '/slow']

  async function client(number: number): Promise<void> {
    for (let i = 0; !stopped; i++) {
      const body = i % 5 === 0 ? 'x'.repeat(10_000) : null
      sent++
      const problem = await once(body === null ? (paths[(i + number) % paths.length] ?? '/') : '/echo', body)
      if (problem) failures.push(`${new Date().toISOString()} ${problem}`)
      await wait(50)
    }
  }

  function once(path: string, body: string | null): Promise<string | null> {
    return new Promise((resolve) => {
      const asked = request(
        {
          host: '127.0.0.1',
          port: world.httpPort,
          path,
          agent,
          method: body === null ? 'GET' : 'POST',
          headers: { host: `${app}.localhost` },
          timeout: 20_000,
        },
        (response) => {
          let length = 0
          response.on('data', (chunk: Buffer) => (length += chunk.length))
          response.on('error', (error) => resolve(`${path} ${error.message}`))
          response.on('end', () => {
            if (response.statusCode !== 200)
              resolve(`${path} ${response.statusCode} ${String(response.headers['berth-error'])}`)
            else if (body !== null && length !== body.length) resolve(`${path} echoed ${length} bytes`)
            else resolve(null)
          })
        },
      )
      asked.on('timeout', () => asked.destroy(new Error('timed out')))
      asked.on('error', (error) => resolve(`${path} ${error.message}`))
      asked.end(body ?? undefined)
    })
  }

  const clients = Promise.all(Array.from({ length: 6 }, (_, number) => client(number)))
  return {
    async stop() {
      stopped = true
      await clients
      agent.destroy()
      return { sent, failures }
    },
  }
}
