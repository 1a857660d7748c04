/** scale: shows or changes how many instances of which size an app has, and waits until they are there. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { InstanceView, PatchFormation } from '#core/contract/api.ts'
import type { Formation } from '#core/domain/app.ts'
import type { ProcessType } from '#core/domain/ids.ts'
import { isProcessType } from '#core/domain/procfile.ts'
import type { Resources } from '#core/domain/resources.ts'
import type { Client } from '../client.ts'
import type { Context, Options, Run } from '../context.ts'
import { failed, usage } from '../failures.ts'
import { countAfter, formatCores, formatMegabytes, parseCpu, parseMemory, parseScaleTerm } from '../text.ts'

const POLL_MS = 500
/** Longer than the longest boot timeout of a default installation, several times over. */
const WAIT_MS = 300_000

export const scale: Run = async (context, terms, options) => {
  const app = await context.app(options)
  const client = await context.client()
  const { formation: before } = await client.get('/apps/:app/formation', { app })
  const patch = patchFrom(terms, options, before)
  if (Object.keys(patch).length === 0) return show(context, before, options)
  const failedBefore = new Set((await instancesOf(client, app)).filter(isFailed).map(({ id }) => id))
  const answer = await client.patch('/apps/:app/formation', { app, body: patch })
  if (options.wait !== false) {
    const types = Object.keys(patch) as ProcessType[]
    await waitUntilScaled(context, client, app, answer.formation, types, failedBefore)
  }
  show(context, answer.formation, options)
}

/** One type, and never its count: what runs gets other limits, and nothing is started or stopped. */
export const resize: Run = async (context, [type = '', ...others], options) => {
  if (!isProcessType(type) || others.length > 0 || (options.memory === undefined && options.cpu === undefined))
    throw usage('Name a process type and its new size, as in `berth ps:resize web --memory 512M --cpu 0.5`.')
  await scale(context, [type], options)
}

/** What to ask of the API; empty when nothing was asked. */
export function patchFrom(
  terms: string[],
  options: Pick<Options, 'memory' | 'cpu'>,
  before: Formation,
): PatchFormation {
  const size = {
    ...(options.memory === undefined ? {} : { memoryMb: parseMemory(options.memory) }),
    ...(options.cpu === undefined ? {} : { cpuMilli: parseCpu(options.cpu) }),
  }
  if (Object.keys(size).length > 0) {
    const [term, second] = terms
    if (term === undefined || second !== undefined)
      throw usage('--memory and --cpu change one process type: name it, as in `berth scale web --memory 256M`.')
    return isProcessType(term) ? { [term]: size } : patchOf([term], before, size)
  }
  return patchOf(terms, before, {})
}

function patchOf(terms: string[], before: Formation, size: { memoryMb?: number; cpuMilli?: number }): PatchFormation {
  const patch: PatchFormation = {}
  for (const text of terms) {
    const term = parseScaleTerm(text)
    const type = term.type as ProcessType
    if (patch[type] !== undefined) throw usage(`${type} is named twice.`)
    patch[type] = { count: countAfter(term, before[type]?.count ?? 0), ...size }
  }
  return patch
}

export type Progress = { settled: boolean; text: string }

/** Whether the instances of these types are as the formation asks: so many, running, of that size, and no others. */
export function progressOf(formation: Formation, types: ProcessType[], instances: InstanceView[]): Progress {
  const parts = types.map((type) => {
    const { count, size } = formation[type] ?? { count: 0, size: null }
    const wanted = instances.filter((i) => i.process === type && i.intent === 'run' && isAlive(i))
    const ready = wanted.filter((i) => i.state === 'running' && (size === null || hasSize(i.applied, size)))
    const surplus = wanted.length > count ? `, ${wanted.length - count} to stop` : ''
    return {
      settled: ready.length === count && wanted.length === count,
      text: `${type}: ${ready.length} of ${count} running${surplus}`,
    }
  })
  return { settled: parts.every((part) => part.settled), text: parts.map((part) => part.text).join('; ') }
}

const hasSize = (applied: InstanceView['applied'], size: Resources): boolean =>
  applied?.memoryMb === size.memoryMb && applied.cpuMilli === size.cpuMilli

/** One whose host has answered that it keeps another size than it was asked to have. */
const keepsItsSize = (formation: Formation, i: InstanceView): boolean => {
  const size = formation[i.process as ProcessType]?.size
  const asked = size !== undefined && i.memoryMb === size.memoryMb && i.cpuMilli === size.cpuMilli
  return asked && i.state === 'running' && i.upToDate && i.applied !== null && !hasSize(i.applied, size)
}

async function waitUntilScaled(
  { out, now }: Context,
  client: Client,
  app: string,
  formation: Formation,
  types: ProcessType[],
  failedBefore: Set<string>,
): Promise<void> {
  const { release } = await client.get('/apps/:app', { app })
  if (release === null) return out.note(`${app} has no release yet: this takes effect with the first one.`)
  const deadline = now() + WAIT_MS
  const progress = out.progress()
  try {
    await settle()
  } finally {
    progress.end()
  }
  async function settle(): Promise<void> {
    for (;;) {
      const instances = await instancesOf(client, app)
      const broken = instances.find((i) => isFailed(i) && types.some((t) => t === i.process) && !failedBefore.has(i.id))
      if (broken) throw failed(`${broken.name} failed: ${broken.detail ?? broken.reason ?? 'no reason was given'}`)
      const refusing = instances.find((i) => types.some((t) => t === i.process) && keepsItsSize(formation, i))
      if (refusing)
        throw failed(
          `${refusing.name} keeps ${formatMegabytes(refusing.applied?.memoryMb ?? 0)}: ${refusing.detail ?? 'its host could not change it'}. See: berth events -a ${app}`,
        )
      const { settled, text } = progressOf(formation, types, instances)
      progress.say(text)
      if (settled) return
      if (now() > deadline)
        throw failed(`The instances are not as asked after ${WAIT_MS / 1000} s. See why with: berth ps -a ${app}`)
      await sleep(POLL_MS)
    }
  }
}

async function instancesOf(client: Client, app: string): Promise<InstanceView[]> {
  return (await client.list('/apps/:app/instances', { app })).instances
}

const isFailed = (instance: InstanceView) => instance.state === 'failed'
const isAlive = ({ state }: InstanceView) => state !== 'failed' && state !== 'stopped' && state !== 'lost'

function show({ out }: Context, formation: Formation, options: Options): void {
  if (options.json) return out.json({ formation })
  const rows = Object.entries(formation).flatMap(([type, process]) =>
    process === undefined
      ? []
      : [[type, String(process.count), formatMegabytes(process.size.memoryMb), formatCores(process.size.cpuMilli)]],
  )
  if (rows.length === 0) return out.line('There are no process types yet: they come with the first deploy.')
  out.table(['TYPE', 'COUNT', 'MEMORY', 'CPU'], rows)
}
