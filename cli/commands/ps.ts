/** ps and ps:restart: the instances of an app. */
import { stateColours } from '../state-colours.ts'
import type { Run } from '../context.ts'
import { formatBytes, formatCores, formatMegabytes, formatSince } from '../text.ts'

export const list: Run = async (context, _args, options) => {
  const { client, out, now } = context
  const app = await context.app(options)
  const answer = await (await client()).list('/apps/:app/instances', { app })
  if (options.json) return out.json(answer)
  if (answer.instances.length === 0) {
    const { suspended } = await (await client()).get('/apps/:app', { app })
    return out.line(
      suspended === null
        ? `${app} has no instances. See what it should have: berth scale -a ${app}`
        : `${app} does not run: its tenant is suspended (${suspended}).`,
    )
  }
  if (answer.instances.some(({ applied }) => applied?.paused))
    out.note(`${app} is paused. Resume it: berth ps:resume -a ${app}`)
  out.table(
    ['NAME', 'STATE', 'RELEASE', 'HOST', 'SINCE', 'CPU', 'MEMORY', 'REQUESTS', 'RESTARTS'],
    answer.instances.map((instance) => [
      instance.name,
      instance.applied?.paused
        ? { text: 'paused', colour: 'grey' }
        : { text: instance.state, colour: stateColours[instance.state] },
      `v${instance.release}`,
      instance.host,
      formatSince(instance.since, now()),
      `${instance.cpuMilliUsed === null ? '-' : formatCores(instance.cpuMilliUsed)} of ${formatCores(instance.cpuMilli)}`,
      `${instance.memoryBytesUsed === null ? '-' : formatBytes(instance.memoryBytesUsed)} of ${formatMegabytes(instance.memoryMb)}`,
      String(instance.requests ?? '-'),
      String(instance.restarts),
    ]),
  )
  const explained = answer.instances.filter(({ detail }) => detail !== null && detail !== '')
  if (explained.length > 0) out.line()
  for (const { name, release, reason, detail } of explained)
    out.line(`${name} (v${release}${reason === null ? '' : `, ${reason}`}): ${detail}`)
}

export const restart: Run = async (context, _args, options) => {
  const app = await context.app(options)
  const answer = await (await context.client()).post('/apps/:app/restart', { app })
  if (options.json) context.out.json(answer)
  else context.out.line(`${app} is restarting, instance by instance. Watch it with: berth ps -a ${app}`)
}
