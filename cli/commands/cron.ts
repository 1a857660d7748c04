/** cron, cron:run, cron:pause, cron:resume: the jobs of an app's clock. */
import type { CronJobView } from '#core/contract/api.ts'
import type { Context, Options, Run } from '../context.ts'
import { usage } from '../failures.ts'
import { formatSince, type Cell } from '../text.ts'

export const list: Run = async (context, _args, options) => {
  const { out, now } = context
  const app = await context.app(options)
  const view = await (await context.client()).get('/apps/:app/cron', { app })
  if (options.json) return out.json(view)
  if (view.jobs.length === 0) return out.line(`${app} has no jobs. They stand in app.json, under "cron".`)
  if (view.halted !== null) out.note(`No job is run: ${view.halted}.`)
  out.table(
    ['JOB', 'SCHEDULE (UTC)', 'NEXT', 'LAST', 'ENDED', 'OVERLAP', 'COMMAND'],
    view.jobs.map((job) => [
      job.name,
      job.schedule,
      nextCell(job),
      job.last === null ? '-' : formatSince(job.last.at, now()),
      endCell(job),
      job.overlap,
      job.command,
    ]),
    view.jobs.map(notesOf),
  )
}

export const run: Run = async (context, [job = ''], options) => {
  const app = await context.app(options)
  const made = await (await context.client()).post('/apps/:app/cron/:job/run', { app, job: nameFrom(job) })
  if (options.json) return context.out.json(made)
  context.out.line(`Running ${made.command} on ${app}: ${made.name}`)
  context.out.note(`See what it says with: berth logs --tail -p ${made.name} -a ${app}`)
}

export const pause: Run = async (context, [job = ''], options) => {
  await change(context, job, 'pause', options)
  if (!options.json) context.out.line(`${job} is paused. It goes on with: berth cron:resume ${job}`)
}

export const resume: Run = async (context, [job = ''], options) => {
  const view = await change(context, job, 'resume', options)
  if (!options.json)
    context.out.line(`${job} runs again${view.nextAt === null ? '' : `, next at ${minute(view.nextAt)}`}.`)
}

async function change(context: Context, job: string, to: 'pause' | 'resume', options: Options): Promise<CronJobView> {
  const app = await context.app(options)
  const view = await (await context.client()).post(`/apps/:app/cron/:job/${to}`, { app, job: nameFrom(job) })
  if (options.json) context.out.json(view)
  return view
}

function nameFrom(text: string): string {
  if (!/^[a-z][a-z0-9-]{0,39}$/.test(text))
    throw usage(`"${text}" is not a job: write its name as berth cron shows it.`)
  return text
}

const minute = (iso: string): string => `${iso.slice(0, 16).replace('T', ' ')} UTC`

function nextCell({ paused, problem, nextAt }: CronJobView): Cell {
  if (paused) return { text: 'paused', colour: 'yellow' }
  if (problem !== null) return { text: 'never', colour: 'red' }
  return nextAt === null ? '-' : minute(nextAt)
}

function endCell({ last, running }: CronJobView): Cell {
  if (running.length > 0) return { text: `running (${running.join(', ')})`, colour: 'green' }
  const end = last?.run?.end
  if (!end) return '-'
  const text = end.exitCode === null ? end.reason : `exit code ${end.exitCode}`
  return { text, colour: end.reason === 'completed' ? 'green' : 'red' }
}

const notesOf = ({ problem, missed }: CronJobView): string[] =>
  [problem, missed?.text ?? null].flatMap((text) => (text === null ? [] : [`    ${text}`]))
