import assert from 'node:assert/strict'
import { operations, type Operation } from '#core/contract/operations/index.ts'
import { checkAnswer, documentsIn, isBytes } from '../../../helpers/contract.ts'
import { documentChecks } from '../../../helpers/api-document.ts'
import { visits, type Names, type Seen, type Visit, type Who } from './visits/index.ts'
import { deploysGoLive, deploysWait, stackBuilt, startContractWorld, type World } from './world.ts'

const EVERY = Object.entries<Operation>(operations)
type Sent = { status: number; media: string; bytes: Buffer }

describe('The contract of the API', function () {
  this.timeout(60_000)
  const checks = documentChecks()
  let world: World
  let downloaded: Buffer
  const cookies = new Map<Who, string>()
  before(async () => {
    world = await startContractWorld()
  })
  after(() => world.api.stop())

  type Sending = { as?: Who; body?: unknown; file?: Buffer | undefined; accept?: string | undefined }

  async function send(route: string, path: string, { as = 'nobody', body, file, accept }: Sending): Promise<Sent> {
    const [method = ''] = route.split(' ')
    const stopping = new AbortController()
    const media = file ? 'application/x-tar' : body === undefined ? null : 'application/json'
    const response = await fetch(world.api.url + path, {
      method,
      headers: {
        ...proofOf(as),
        ...(media === null ? {} : { 'content-type': media }),
        ...(accept === undefined ? {} : { accept }),
      },
      body: file ?? (body === undefined ? null : JSON.stringify(body)),
      signal: stopping.signal,
    })
    for (const line of response.headers.getSetCookie()) cookies.set(as, line.split(';')[0] ?? '')
    const answered = (response.headers.get('content-type') ?? '').split(';')[0] ?? ''
    const bytes = answered === 'text/event-stream' ? await firstOf(response) : Buffer.from(await response.arrayBuffer())
    stopping.abort()
    return { status: response.status, media: answered, bytes }
  }

  function proofOf(who: Who): Record<string, string> {
    if (who === 'operator') return { authorization: `Bearer ${world.api.operator}` }
    const cookie = cookies.get(who)
    return { 'sec-fetch-site': 'same-origin', ...(cookie === undefined ? {} : { cookie }) }
  }

  const fill = (path: string, names: Names) =>
    `/v1${path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(names[name] ?? 'x'))}`
  const pathOf = (route: string, names: Names) => fill(route.split(' ')[1] ?? '', names)

  async function prepare(step: Visit['before']): Promise<void> {
    if (step === 'deploysWait') deploysWait(world.api)
    if (step === 'deploysGoLive') deploysGoLive(world.api)
    if (step === 'stackBuilt') await stackBuilt(world.api, world.names['stack'] ?? '')
  }

  /** Holds an answer to the table and to the document, each of its lines where it has several. */
  function hold(route: string, { status, media, bytes }: Sent): void {
    const text = isBytes(media) ? '' : bytes.toString('utf8')
    checkAnswer(route, { status, mediaType: media, text })
    if (text === '') return
    for (const value of documentsIn(media, text)) checks.answer(route, status, media, value)
  }

  describe('every operation succeeds, and answers what its documentation says', () => {
    for (const visit of visits)
      it(titleOf(visit), async () => {
        await prepare(visit.before)
        const names = { ...world.names, ...visit.names }
        const body = typeof visit.body === 'function' ? visit.body(names) : visit.body
        const file = visit.file === 'source' ? world.source : visit.file === 'downloaded' ? downloaded : undefined
        if (body !== undefined) checks.body(visit.route, body)
        const path = pathOf(visit.route, names) + (visit.query ?? '')
        const answer = await send(visit.route, path, { as: visit.as ?? 'operator', body, file, accept: visit.accept })
        assert.ok(answer.status < 300, `${answer.status} ${answer.bytes.toString('utf8').slice(0, 500)}`)
        if (visit.accept) assert.equal(answer.media, visit.accept)
        hold(visit.route, answer)
        if (answer.media === 'application/x-tar') downloaded = answer.bytes
        if (visit.keep) Object.assign(world.names, visit.keep(JSON.parse(answer.bytes.toString('utf8')) as Seen))
      })
  })

  it('leaves no operation out', () => {
    const visited = new Set<string>(visits.map(({ route }) => route))
    const missing = EVERY.map(([route]) => route).filter((route) => !visited.has(route))
    assert.deepEqual(missing, [], 'add a line for each to test/integration/controller/contract/visits.ts')
  })

  it('says of every operation what it answers', () => {
    const silent = EVERY.filter(([, { answer, status, media = '' }]) => !answer && status !== 204 && !isBytes(media))
    assert.deepEqual(
      silent.map(([route]) => route),
      [],
      'give each an `answer` in core/contract/operations',
    )
  })

  it('refuses every operation without a token by a documented problem (C01)', async () => {
    for (const [route, { need }] of EVERY) {
      if (need === 'public') continue
      const answer = await send(route, pathOf(route, world.names), {})
      assert.equal(answer.status, 401, route)
      hold(route, answer)
    }
  })

  it('lets everybody call what is for everybody, and nothing else (C01)', async () => {
    const open = EVERY.filter(([, { need }]) => need === 'public')
    assert.deepEqual(
      open.map(([route]) => route),
      [
        'POST /session',
        'POST /session/once',
        'GET /session/methods',
        'POST /invitations/show',
        'POST /invitations/accept',
      ],
    )
    for (const [route, { body }] of open) {
      const answer = await send(route, pathOf(route, world.names), {})
      assert.equal(answer.status, body === undefined ? 200 : 400, route)
      hold(route, answer)
    }
  })

  it('refuses every body that is not the documented one by a documented problem', async () => {
    for (const [route, { body }] of EVERY) {
      if (body === undefined) continue
      const wrong = { 'not/a field': { of: 'anything' } }
      const answer = await send(route, pathOf(route, world.names), { as: 'operator', body: wrong })
      assert.ok(answer.status >= 400 && answer.status < 500, `${route}: ${answer.status}`)
      hold(route, answer)
    }
  })

  it('answers what there is not by a documented problem', async () => {
    for (const [route, { takes }] of EVERY) {
      if (!route.includes(':')) continue
      const file = takes ? world.source : undefined
      const answer = await send(route, pathOf(route, {}), { as: 'operator', file })
      assert.ok(answer.status >= 400 && answer.status < 500, `${route}: ${answer.status}`)
      hold(route, answer)
    }
  })
})

function titleOf({ route, names, as, accept }: Visit): string {
  const of = names ? ` of ${Object.values(names).join(', ')}` : ''
  return `${route}${of}${as ? ` as ${as}` : ''}${accept ? ` as ${accept}` : ''}`
}

/** The first event of a stream that has no end. */
async function firstOf(response: Response): Promise<Buffer> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true })
    const end = text.lastIndexOf('\n\n')
    if (text.includes('data:') && end !== -1) return Buffer.from(text.slice(0, end + 2))
  }
  return Buffer.from(text)
}
