/** checks, checks:set, checks:unset: how an app's processes show that they work. */
import type { ChecksView, CheckView, PatchChecks } from '#core/contract/api.ts'
import { isProcessType } from '#core/domain/procfile.ts'
import type { Context, Options, Run } from '../context.ts'
import { usage } from '../failures.ts'
import { parseMs, parseSwitch } from '../routing-options.ts'
import { formatDuration } from '../text.ts'

export const list: Run = async (context, _args, options) => {
  const app = await context.app(options)
  show(context, await (await context.client()).get('/apps/:app/checks', { app }), options)
}

export const set: Run = async (context, [type], options) => {
  const view = await change(context, checksFrom(type, options), options)
  show(context, view, options)
  if (type !== undefined && !options.json)
    context.out.note(`What starts from now on is checked so. To start it anew: berth ps:restart -a ${view.app}`)
}

export const unset: Run = async (context, [type = ''], options) =>
  show(context, await change(context, { processes: { [typeFrom(type)]: null } }, options), options)

async function change(context: Context, patch: PatchChecks, options: Options): Promise<ChecksView> {
  const app = await context.app(options)
  return (await context.client()).patch('/apps/:app/checks', { app, body: patch })
}

/** @throws a usage error that names what is wrong */
export function checksFrom(type: string | undefined, options: Options): PatchChecks {
  const check = checkFrom(options)
  const isEmpty = Object.keys(check).length === 0
  const autoRollback = options.autoRollback === undefined ? {} : rollbackFrom(options.autoRollback)
  if (type === undefined && !isEmpty)
    throw usage('Name the process type, as in `berth checks:set web --path /healthz`.')
  if (isEmpty && options.autoRollback === undefined)
    throw usage('Say what to change, as in `berth checks:set web --path /healthz`. See: berth help checks:set')
  return type === undefined || isEmpty ? autoRollback : { ...autoRollback, processes: { [typeFrom(type)]: check } }
}

const rollbackFrom = (text: string) => ({ autoRollback: parseSwitch('--auto-rollback', text) })

function typeFrom(text: string): string {
  if (!isProcessType(text)) throw usage(`"${text}" is not a process type: write one like web.`)
  return text
}

function checkFrom({ path, tcp, none, timeout }: Options): Partial<Omit<CheckView, 'process' | 'from'>> {
  if ([path !== undefined, tcp, none].filter(Boolean).length > 1)
    throw usage('--path, --tcp and --none are three kinds of check: give one of them.')
  if (path !== undefined && !path.startsWith('/')) throw usage(`--path must begin with a slash, got "${path}".`)
  return {
    ...(path === undefined ? {} : { kind: 'http' as const, path }),
    ...(tcp ? { kind: 'tcp' as const } : {}),
    ...(none ? { kind: 'none' as const } : {}),
    ...(timeout === undefined ? {} : { startTimeoutMs: parseMs('--timeout', timeout) }),
  }
}

function show({ out }: Context, view: ChecksView, options: Options): void {
  if (options.json) return out.json(view)
  if (view.checks.length > 0)
    out.table(
      ['PROCESS', 'IS READY WHEN IT', 'WITHIN', 'SET BY'],
      view.checks.map((check) => [
        check.process,
        describe(check),
        formatDuration(check.startTimeoutMs),
        sources[check.from],
      ]),
    )
  else out.line(`${view.app} has no process types yet. Deploy with: git push berth main`)
  out.line()
  out.line(
    view.autoRollback
      ? 'A release that crashes in its first minutes gives way to the one before it.'
      : 'A release that crashes in its first minutes stays: auto-rollback is off.',
  )
}

const sources: Record<CheckView['from'], string> = { app: 'berth checks:set', code: 'app.json', default: '-' }

function describe({ kind, path }: CheckView): string {
  if (kind === 'http') return `answers GET ${path} below 500`
  return kind === 'tcp' ? 'accepts a connection on $PORT' : 'runs for a second'
}
