/** run and run:detached: a command, once, in a fresh sandbox of the app; ps:stop ends one. */
import type { CreateRun, RunView } from '#core/contract/api.ts'
import { clientPath } from '#core/contract/session.ts'
import { isProcessType } from '#core/domain/procfile.ts'
import type { Client } from '../client.ts'
import type { Options, Run } from '../context.ts'
import { ProgramEnded, usage } from '../failures.ts'
import { attend, windowOf } from '../session.ts'
import { parseAssignment, parseCpu, parseMemory } from '../text.ts'

export const run: Run = async (context, words, options) => {
  const { stdin, out } = context
  const { stdout, stderr } = process
  const terminal = stdin.isTTY === true && stdout.isTTY === true && options.tty !== false
  const window = terminal ? { window: windowOf(stdout) } : {}
  const wish = { ...wishFrom(words, options, terminal), attach: terminal ? 'terminal' : 'pipes', ...window } as const
  const app = await context.app(options)
  const client = await context.client()
  const made = await client.post('/apps/:app/runs', { app, body: wish })
  const note = (text: string) => (terminal ? out.note(text) : undefined)
  note(`Running ${made.command} on ${app}... (${made.name})`)
  const stop = onInterrupt(client, made)
  try {
    const end = await attend({
      apiUrl: client.apiUrl,
      token: client.token,
      path: clientPath(encodeURIComponent(app), encodeURIComponent(made.id)),
      terminal,
      screen: { stdin, stdout, stderr },
      onStarted: () => {},
    })
    if (end.reason !== 'completed' && end.reason !== 'exited') out.error(`${made.name} ${end.detail}`)
    throw new ProgramEnded(end.exitCode ?? 1)
  } finally {
    stop()
  }
}

/** Without a terminal of its own the command hears of Ctrl-C by being stopped; a second one leaves it to the platform. */
function onInterrupt(client: Client, { app, id }: RunView): () => void {
  const onSignal = (signal: NodeJS.Signals) => {
    off()
    const leave = () => process.kill(process.pid, signal)
    client.post('/apps/:app/runs/:run/stop', { app, run: id }).then(leave, leave)
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, onSignal)
  const off = () => {
    for (const signal of signals) process.off(signal, onSignal)
  }
  return off
}

export const detached: Run = async (context, words, options) => {
  const app = await context.app(options)
  const made = await (await context.client()).post('/apps/:app/runs', { app, body: wishFrom(words, options, false) })
  if (options.json) return context.out.json(made)
  context.out.line(`Running ${made.command} on ${app}: ${made.name}`)
  context.out.note(`See what it says with: berth logs --tail -p ${made.name} -a ${app}`)
}

export const stop: Run = async (context, [name = ''], options) => {
  if (!/^(run|release)\.\d+$/.test(name))
    throw usage(
      `"${name}" is not a one-off run: write run.12, as berth ps shows it. To replace what is kept running: berth ps:restart`,
    )
  const app = await context.app(options)
  const answer = await (await context.client()).post('/apps/:app/runs/:run/stop', { app, run: name })
  if (options.json) context.out.json(answer)
  else context.out.line(`${name} is told to stop.`)
}

/** @throws a usage error that names what is wrong */
export function wishFrom(words: string[], options: Options, terminal: boolean): CreateRun {
  if (words.length === 0) throw usage('Name a command, as in `berth run node --version`.')
  const { type, timeout, memory, cpu, size } = options
  if (type !== undefined && !isProcessType(type)) throw usage(`--type must be a process type like web, got "${type}".`)
  if (memory !== undefined && size !== undefined) throw usage('--size and --memory mean the same: give one of them.')
  const megabytes = memory ?? size
  const given = (options.env ?? []).map(parseAssignment)
  const term = terminal && process.env['TERM'] ? { TERM: process.env['TERM'] } : {}
  const env = { ...term, ...Object.fromEntries(given.map(({ name, value }) => [name, value])) }
  return {
    command: commandFrom(words),
    ...(Object.keys(env).length === 0 ? {} : { env }),
    ...(type === undefined ? {} : { process: type }),
    ...(megabytes === undefined ? {} : { memoryMb: parseMemory(megabytes) }),
    ...(cpu === undefined ? {} : { cpuMilli: parseCpu(cpu) }),
    ...(timeout === undefined ? {} : { timeoutSeconds: parseSeconds(timeout) }),
  }
}

/** One word is a line for the sandbox's shell; several are a command and its arguments, which arrive as they are. */
export function commandFrom(words: string[]): string {
  const [only = ''] = words
  return words.length === 1 ? only : words.map(quote).join(' ')
}

const quote = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)

export const parseSeconds = (text: string): number => secondsOf('--timeout', text)

/** @returns seconds of `90`, `90s`, `15m`, `2h` or `1d` */
export function secondsOf(what: string, text: string): number {
  const match = /^(\d{1,7})(s|m|h|d|)$/.exec(text)
  const unit = { '': 1, s: 1, m: 60, h: 3600, d: 86_400 }[match?.[2] ?? ''] ?? 1
  const seconds = Number(match?.[1] ?? 0) * unit
  if (seconds < 1) throw usage(`${what} must be a time like 90s, 15m or 2h, got "${text}".`)
  return seconds
}
