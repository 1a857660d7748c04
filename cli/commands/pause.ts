/** ps:pause and ps:resume: freezes an app's processes, and lets them go on. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Context, Options, Run } from '../context.ts'
import { failed } from '../failures.ts'

const POLL_MS = 250
/** Requests under way may take 30 s to end before the processes are frozen. */
const WAIT_MS = 60_000

export const pause: Run = async (context, _args, options) => {
  const app = await change(context, 'pause', options)
  if (!options.json) context.out.line(`${app} is paused. It goes on with: berth ps:resume -a ${app}`)
}

export const resume: Run = async (context, _args, options) => {
  const app = await change(context, 'resume', options)
  if (!options.json) context.out.line(`${app} is resumed.`)
}

async function change(context: Context, verb: 'pause' | 'resume', options: Options): Promise<string> {
  const app = await context.app(options)
  const answer = await (await context.client()).post(`/apps/:app/${verb}`, { app })
  if (options.wait !== false) {
    const progress = context.out.progress()
    progress.say(
      verb === 'pause' ? 'Waiting for requests to end and for all instances to freeze' : 'Waking the instances',
    )
    await waitUntil(context, app, verb === 'pause').finally(() => progress.end())
  }
  if (options.json) context.out.json(answer)
  return app
}

/** Until each process that runs is frozen, or none is. */
async function waitUntil({ client, now }: Context, app: string, paused: boolean): Promise<void> {
  const deadline = now() + WAIT_MS
  for (;;) {
    const { instances } = await (await client()).list('/apps/:app/instances', { app })
    const running = instances.filter(({ state, intent }) => state === 'running' && intent === 'run')
    if (running.every(({ applied }) => applied?.paused === paused)) return
    if (now() > deadline)
      throw failed(
        `Not all instances are ${paused ? 'paused' : 'resumed'} after ${WAIT_MS / 1000} s. See: berth ps -a ${app}`,
      )
    await sleep(POLL_MS)
  }
}
