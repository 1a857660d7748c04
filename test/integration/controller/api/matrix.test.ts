import assert from 'node:assert/strict'
import { operations } from '#core/contract/operations/index.ts'
import type { Operation } from '#core/contract/operations/index.ts'
import type { Role } from '#core/domain/access.ts'
import { startApi, type TestApi } from '../../../helpers/api.ts'
import { anAppOf, aToken } from '../../../helpers/tokens.ts'

/** Who asks for what belongs to the app `shop` of the tenant `alpha`. */
const callers = [
  ...['nobody', 'wrong', 'expired', 'revoked', 'foreign'],
  ...['otherApp', 'ownApp', 'readOnly', 'viewer', 'member', 'owner', 'operator'],
] as const
type Who = (typeof callers)[number]

/** By need, whom it lets in. Written down once more, so that the policy is not tested against itself. */
const admitted: Record<string, Who[]> = {
  'anyone:read': ['foreign', 'otherApp', 'ownApp', 'readOnly', 'viewer', 'member', 'owner', 'operator'],
  'anyone:write': ['foreign', 'viewer', 'member', 'owner', 'operator'],
  'platform:read': ['operator'],
  'platform:write': ['operator'],
  'app:read': ['ownApp', 'readOnly', 'viewer', 'member', 'owner', 'operator'],
  'app:write': ['ownApp', 'member', 'owner', 'operator'],
  'app:own': ['owner', 'operator'],
  'app:operate': ['operator'],
  'tenant:read': ['otherApp', 'ownApp', 'readOnly', 'viewer', 'member', 'owner', 'operator'],
  'tenant:write': ['member', 'owner', 'operator'],
  'tenant:own': ['owner', 'operator'],
  'tenant:operate': ['operator'],
}
/** To whom it is as though there were nothing. */
const blind: Record<string, Who[]> = { app: ['foreign', 'otherApp'], tenant: ['foreign'], anyone: [], platform: [] }

/** A change that asks for no right to change: each is here because somebody thought about it. */
const harmless = ['DELETE /session']

type Expected = 'let in' | 'unknown' | 'forbidden' | 'hidden'

function expected(who: Who, { need }: Operation): Expected {
  if (need === 'public') return 'let in'
  if (['nobody', 'wrong', 'expired', 'revoked'].includes(who)) return 'unknown'
  if (admitted[need]?.includes(who)) return 'let in'
  return blind[need.split(':')[0] ?? '']?.includes(who) ? 'hidden' : 'forbidden'
}

describe('every operation of the API, asked for by everybody', function () {
  // Two thousand requests.
  this.timeout(120_000)
  let api: TestApi
  const tokens = {} as Record<Who, string | null>

  before(async () => {
    api = await startApi()
    await api.member('alpha')
    const alpha = (wish: object) => aToken(api, { tenant: 'alpha', ...wish })
    const role = (name: Role) => alpha({ role: name })
    const shop = await anAppOf(api, 'alpha', 'shop')
    const other = await anAppOf(api, 'alpha', 'other')
    const revoked = await alpha({})
    await api.call(api.operator, 'DELETE', `/v1/tokens/${idOf(revoked)}`)
    Object.assign(tokens, {
      nobody: null,
      wrong: (await role('owner')).slice(0, -4) + '0000',
      expired: await alpha({ expiresAt: Date.now() - 1 }),
      revoked,
      foreign: await api.member('beta'),
      otherApp: await alpha({ app: other, role: 'owner' }),
      ownApp: await alpha({ app: shop }),
      readOnly: await alpha({ readOnly: true }),
      viewer: await role('viewer'),
      member: await role('member'),
      owner: await role('owner'),
      operator: api.operator,
    } satisfies Record<Who, string | null>)
  })
  after(() => api.stop())

  it('C01 C02 C03 C04 lets in whom the operation is for, and nobody else', async () => {
    const visits = Object.entries(operations).flatMap(([route, operation]) =>
      callers.map((who) => ({ route, operation, who })),
    )
    // The refused first: what those who are let in do must not decide what the others see.
    visits.sort(
      (a, b) => Number(expected(a.who, a.operation) === 'let in') - Number(expected(b.who, b.operation) === 'let in'),
    )
    const wrong: string[] = []
    await inParallel(16, visits, async ({ route, operation, who }) => {
      const seen = await visit(route, operation, tokens[who])
      const wanted = expected(who, operation)
      if (seen.outcome !== wanted) wrong.push(`${who} on ${route}: ${seen.outcome} (${seen.said}), not ${wanted}`)
    })
    assert.deepEqual(wrong, [])
  })

  it('asks for a right to change things wherever something is changed', () => {
    const reading = Object.entries(operations)
      .filter(([route, { need }]) => !route.startsWith('GET ') && need.endsWith(':read'))
      .map(([route]) => route)
    assert.deepEqual(reading.sort(), harmless.sort())
    const changing = Object.entries(operations).filter(
      ([route, { need }]) => route.startsWith('GET ') && /:write$/.test(need),
    )
    // What is secret is for those who may change it: the addresses of webhooks often are.
    assert.deepEqual(
      changing.map(([route]) => route).filter((route) => !route.includes('/webhooks')),
      ['GET /apps/:app/config', 'GET /apps/:app/slugs/:release/file', 'GET /backup'],
    )
  })

  /** Names nothing that there is, but for the app and the tenant: so nothing is lost by visiting. */
  const fill = (path: string) =>
    `/v1${path}`
      .replace(/:app\b/, 'shop')
      .replace(/:tenant\b/, 'alpha')
      .replace(/:(version|release)\b/, '999')
      .replace(/:\w+/g, 'x-aaaaaaaaaaaaa')

  async function visit(route: string, { summary }: Operation, token: string | null | undefined) {
    const [method = '', path = ''] = route.split(' ')
    const sends = method !== 'GET' && method !== 'DELETE'
    const leaving = new AbortController()
    const response = await fetch(api.url + fill(path), {
      method,
      headers: {
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(sends ? { 'content-type': 'application/json' } : {}),
      },
      ...(sends ? { body: '{}' } : {}),
      signal: leaving.signal,
    })
    if (response.status < 400) {
      // Some answers go on.
      leaving.abort()
      return { outcome: 'let in' as Expected, said: `HTTP ${response.status}` }
    }
    const { code, detail } = (await response.json()) as { code: string; detail: string }
    return { outcome: outcomeOf(response.status, code, detail, summary), said: `${code}: ${detail}` }
  }
})

/** Told apart from what the operation itself says of a request that it was let in with. */
function outcomeOf(status: number, code: string, detail: string, summary: string): Expected {
  if (status === 401 && code === 'UNAUTHENTICATED') return 'unknown'
  if (code === 'FORBIDDEN' && (detail.includes(`“${summary}” needs`) || detail.includes('may only use /internal')))
    return 'forbidden'
  if (code === 'NOT_FOUND' && /There is no (app "shop"|tenant "alpha"|page )/.test(detail)) return 'hidden'
  assert.ok(status < 500, `${summary}: ${code}: ${detail}`)
  return 'let in'
}

const idOf = (token: string): string => /^berth_(.+)_/.exec(token)?.[1] ?? ''

async function inParallel<T>(many: number, items: T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items].reverse()
  const one = async () => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) await work(item)
  }
  await Promise.all(Array.from({ length: many }, one))
}
