/** plans, plans:info, plans:create, plans:update, plans:destroy: named quotas, for operators. */
import type { Run } from '../context.ts'
import { usage } from '../failures.ts'
import { limitsFrom, planFacts } from '../plan-options.ts'
import { formatCores, formatMegabytes } from '../text.ts'

export const list: Run = async ({ client, out }, _args, options) => {
  const answer = await (await client()).get('/plans')
  if (options.json) return out.json(answer)
  out.table(
    ['PLAN', 'MEMORY', 'CPU', 'DISK', 'INSTANCES', 'APPS', 'REQUESTS PER SECOND'],
    answer.plans.map((plan) => [
      plan.name,
      formatMegabytes(plan.memoryMb),
      formatCores(plan.cpuMilli),
      formatMegabytes(plan.diskMb),
      String(plan.instances),
      String(plan.apps),
      String(plan.requestRate.perSecond),
    ]),
  )
}

export const info: Run = async ({ client, out }, [name = ''], options) => {
  const plan = await (await client()).get('/plans/:plan', { plan: name })
  if (options.json) out.json(plan)
  else out.facts(planFacts(plan))
}

export const create: Run = async ({ client, out }, [name = ''], options) => {
  const plan = await (await client()).post('/plans', { body: { name, ...limitsFrom(options) } })
  if (options.json) return out.json(plan)
  out.facts(planFacts(plan))
  out.note(`Give it to a tenant: berth tenants:set-plan TENANT ${plan.name}`)
}

export const update: Run = async ({ client, out }, [name = ''], options) => {
  const limits = limitsFrom(options)
  if (Object.keys(limits).length === 0) throw usage('Say what to change, as in `berth plans:update small --memory 4G`.')
  const plan = await (await client()).patch('/plans/:plan', { plan: name, body: limits })
  if (options.json) return out.json(plan)
  out.facts(planFacts(plan))
  out.note('Instances of its tenants get the new limits within seconds, without a restart.')
}

export const destroy: Run = async ({ client, out }, [name = ''], options) => {
  const answer = await (await client()).delete('/plans/:plan', { plan: name })
  if (options.json) out.json(answer)
  else out.line(`Destroyed the plan ${name}.`)
}
