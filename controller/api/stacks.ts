/** Stacks, for operators: list, build, put into use, go back, destroy. */
import type { Request } from 'express'
import { buildStack, changeStack, type StackLogLine, type StacksView, type StackView } from '#core/contract/api.ts'
import { badRequest, notFound } from '#core/domain/errors.ts'
import { isStackName, type KnownStack } from '#core/domain/stack.ts'
import { sleep } from '#core/runtime/clock.ts'
import { loadHosts } from '#core/store/hosts.ts'
import { loadInstances } from '#core/store/instances.ts'
import { loadStack, loadStackChoice, loadStacks, readStackLog } from '#core/store/stacks.ts'
import { destroyStack, orderStack, rollBackStack, useStack } from '../stacks.ts'
import { callerOf } from './auth.ts'
import { bodyOf } from './body.ts'
import type { ApiContext } from './context.ts'
import { param, type Routes } from './routes.ts'
import { stacksView } from './stack-views.ts'
import { streamLines, type LineStream } from './stream.ts'

const LOOK_EVERY_MS = 250

export const stackRoutes = (context: ApiContext): Routes => ({
  '/stacks': {
    async GET(_req, res) {
      res.json(await list(context))
    },
    async POST(req, res) {
      const { actor } = callerOf(req)
      const { host, fresh = false } = bodyOf(req, buildStack)
      const { name, host: builder } = await orderStack(context, { host, fresh, actor })
      context.tell(builder, { kind: 'stack', stack: name })
      res.status(202).json(await find(context, name))
    },
    async PATCH(req, res) {
      const { actor } = callerOf(req)
      const { use, rollback, force = false } = bodyOf(req, changeStack)
      if ((use === undefined) === (rollback === undefined)) throw badRequest('Give either "use" or "rollback".')
      if (use === undefined) await rollBackStack(context, force, actor)
      else await useStack(context, use, force, actor)
      res.json(await list(context))
    },
  },
  '/stacks/:stack': {
    async GET(req, res) {
      res.json(await find(context, param(req, 'stack')))
    },
    async DELETE(req, res) {
      const { actor } = callerOf(req)
      await destroyStack(context, await stackOf(req, context), actor)
      res.status(204).end()
    },
  },
  '/stacks/:stack/log': {
    async GET(req, res) {
      const { name } = await stackOf(req, context)
      const stream = streamLines(res, context.signal)
      await follow(context, name, stream)
      stream.end()
    },
  },
})

async function follow(context: ApiContext, name: string, stream: LineStream): Promise<void> {
  const write = (line: StackLogLine) => stream.write(line)
  let after = '0'
  while (!stream.signal.aborted) {
    // In this order: what is said before it is over is in the log by then.
    const stack = await find(context, name)
    const { lines, next } = await readStackLog(context.store, name, after)
    for (const line of lines) await write({ line })
    after = next
    if (stack.state !== 'building') return write({ end: stack })
    await sleep(LOOK_EVERY_MS, stream.signal)
  }
}

async function list({ store }: ApiContext): Promise<StacksView> {
  const [stacks, choice, hosts, instances] = await Promise.all([
    loadStacks(store),
    loadStackChoice(store),
    loadHosts(store),
    loadInstances(store),
  ])
  return stacksView({ stacks, choice, hosts, instances })
}

async function find(context: ApiContext, name: string): Promise<StackView> {
  const stack = (await list(context)).stacks.find((candidate) => candidate.name === name)
  if (!stack) throw notFound('stack', name)
  return stack
}

async function stackOf(req: Request, { store }: ApiContext): Promise<KnownStack> {
  const name = param(req, 'stack')
  const stack = isStackName(name) ? await loadStack(store, name) : null
  if (!stack) throw notFound('stack', name)
  return stack
}
