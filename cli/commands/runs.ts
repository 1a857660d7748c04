/** runs: the commands that were run once, the newest first, those that are over too. */
import type { RunView } from '#core/contract/api.ts'
import type { Run } from '../context.ts'
import { formatDuration, formatSince, parseCount, type Cell } from '../text.ts'

export const list: Run = async (context, _args, options) => {
  const { client, out, now } = context
  const { num, job } = options
  const app = await context.app(options)
  const query = { n: num === undefined ? undefined : String(parseCount('--num', num)), job }
  const answer = await (await client()).get('/apps/:app/runs', { app, query })
  if (options.json) return out.json(answer)
  if (answer.runs.length === 0)
    return out.line(`Nothing has been run once on ${app}${job ? ` for the job ${job}` : ''} yet.`)
  out.table(
    ['RUN', 'BEGAN', 'ENDED', 'TOOK', 'RELEASE', 'BY', 'COMMAND'],
    answer.runs.map((run) => [
      run.name,
      formatSince(run.createdAt, now()),
      endCell(run),
      run.end === null ? '-' : formatDuration(Math.max(0, Date.parse(run.end.at) - Date.parse(run.createdAt))),
      `v${run.release}`,
      run.actor,
      run.command,
    ]),
  )
}

function endCell({ state, end }: RunView): Cell {
  if (end === null) return { text: state === 'waiting' ? 'waits' : 'runs', colour: 'yellow' }
  if (end.reason === 'completed') return { text: 'exit code 0', colour: 'green' }
  return {
    text: end.reason === 'exited' && end.exitCode !== null ? `exit code ${end.exitCode}` : end.reason,
    colour: 'red',
  }
}
