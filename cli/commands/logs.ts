/** logs: the last lines of an app, its builds, the platform and the router; with --tail also those to come. */
import type { LogLine } from '#core/contract/api.ts'
import type { Run } from '../context.ts'
import { usage } from '../failures.ts'
import { parseCount } from '../text.ts'

const sources = ['app', 'build', 'platform', 'router']

export const logs: Run = async (context, _args, options) => {
  const { client, out } = context
  const { num, source } = options
  if (source !== undefined && !sources.includes(source))
    throw usage(`--source must be one of ${sources.join(', ')}, got "${source}".`)
  const query = {
    n: num === undefined ? undefined : String(parseCount('--num', num)),
    tail: options.tail ? '1' : undefined,
    source,
    ps: options.processType,
  }
  const app = await context.app(options)
  for await (const entry of (await client()).stream<LogLine>(['apps', app, 'logs'], query)) {
    if (options.json) out.jsonLine(entry)
    else out.line(`${entry.at} ${entry.source}[${entry.ps}]: ${entry.line.replace(/\r$/, '')}`)
  }
}
