/** tenants, tenants:create, tenants:rate: for operators. */
import type { TenantView } from '#core/contract/api.ts'
import type { Run } from '../context.ts'
import { usage } from '../failures.ts'
import { formatSince, parseCount } from '../text.ts'

export const list: Run = async ({ client, out, now }, _args, options) => {
  const answer = await (await client()).get<{ tenants: TenantView[] }>(['tenants'])
  if (options.json) return out.json(answer)
  out.table(
    ['TENANT', 'REQUESTS PER SECOND', 'BURST', 'CREATED'],
    answer.tenants.map(({ id, requestRate, createdAt }) => [
      id,
      String(requestRate.perSecond),
      String(requestRate.burst),
      formatSince(createdAt, now()),
    ]),
  )
}

export const create: Run = async ({ client, out }, [id], options) => {
  const tenant = await (await client()).post<TenantView>(['tenants'], { id })
  if (options.json) out.json(tenant)
  else out.line(`Created the tenant ${tenant.id}. Give it a token: berth tokens:create NAME --tenant ${tenant.id}`)
}

/** Both numbers, so that the rate is never half of an old one. */
export const rate: Run = async ({ client, out }, [id = ''], { perSecond, burst, json }) => {
  if (perSecond === undefined || burst === undefined) throw usage('Give both --per-second and --burst.')
  const requestRate = { perSecond: parseCount('--per-second', perSecond), burst: parseCount('--burst', burst) }
  const tenant = await (await client()).patch<TenantView>(['tenants', id], { requestRate })
  if (json) out.json(tenant)
  else out.line(`${id} may take ${requestRate.perSecond} requests per second, in bursts of ${requestRate.burst}.`)
}
