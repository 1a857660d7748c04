/** ps:exec and ps:forward: a command inside an instance that runs, and connections to its ports. */
import { insideClientPath } from '#core/contract/session.ts'
import type { Client } from '../client.ts'
import type { Context, Options, Run } from '../context.ts'
import { failed, ProgramEnded, usage } from '../failures.ts'
import { listenAndForward, type PortPair } from '../forward.ts'
import { attend, windowOf } from '../session.ts'
import { commandFrom } from './run.ts'

const SHELL = 'bash'
const INSTANCE = /^(?:[a-z][a-z0-9_-]*\.\d+|i-[a-z2-7]{13})$/i

export const exec: Run = async (context, words, options) => {
  const { stdin, out } = context
  const { stdout, stderr } = process
  const [wanted, command] = split(words)
  const terminal = stdin.isTTY === true && stdout.isTTY === true && options.tty !== false
  const { client, path, name } = await placeOf(context, wanted, options)
  if (terminal) out.note(`${command} inside ${name}`)
  const term = terminal && /^[\w.+-]{1,40}$/.test(process.env['TERM'] ?? '') ? { term: process.env['TERM'] ?? '' } : {}
  const end = await attend({
    apiUrl: client.apiUrl,
    token: client.token,
    path,
    wish: {
      exec: {
        command,
        streams: terminal ? 'terminal' : 'pipes',
        ...(terminal ? { window: windowOf(stdout) } : {}),
        ...term,
      },
    },
    terminal,
    screen: { stdin, stdout, stderr },
    onStarted: () => {},
  })
  if (end.reason !== 'completed' && end.reason !== 'exited') out.error(`The command ${end.detail}`)
  throw new ProgramEnded(end.exitCode ?? 1)
}

/** @returns the instance that is named, if one is, and the command; without one, a shell */
function split(words: string[]): [string | undefined, string] {
  const [first = ''] = words
  const named = INSTANCE.test(first)
  const rest = (named ? words.slice(1) : words).filter((word, at) => at > 0 || word !== '--')
  return [named ? first : undefined, rest.length === 0 ? SHELL : commandFrom(rest)]
}

export const forward: Run = async (context, words, options) => {
  const [first = '', ...others] = words
  const named = INSTANCE.test(first)
  const pairs = (named ? others : words).map(parsePair)
  if (pairs.length === 0) throw usage('Name a port, as in `berth ps:forward 9229`, or LOCAL:REMOTE.')
  const { client, path, name } = await placeOf(context, named ? first : undefined, options)
  await listenAndForward(pairs, { client, path, name, out: context.out })
}

/** @throws a usage error that names what is wrong */
export function parsePair(text: string): PortPair {
  const match = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(text)
  const local = Number(match?.[1] ?? 0)
  const remote = Number(match?.[2] ?? match?.[1] ?? 0)
  if (!match || local < 1 || remote < 1 || local > 65_535 || remote > 65_535)
    throw usage(`Ports are written LOCAL or LOCAL:REMOTE, like 9229 or 8081:8080, got "${text}".`)
  return { local, remote }
}

type Place = { client: Client; path: string; name: string }

/** The instance that is named, else the first of web that runs, else the first of all. @throws exit code 1 when none runs */
async function placeOf(context: Context, wanted: string | undefined, options: Options): Promise<Place> {
  const app = await context.app(options)
  const client = await context.client()
  const placed = (instance: string, name: string) => ({
    client,
    name,
    path: insideClientPath(encodeURIComponent(app), encodeURIComponent(instance)),
  })
  if (wanted !== undefined) return placed(wanted, wanted)
  const { instances } = await client.get('/apps/:app/instances', { app })
  const running = instances.filter(({ state }) => state === 'running')
  const found = running.find(({ process }) => process === 'web') ?? running[0]
  if (!found) throw failed(`No instance of ${app} runs. See them with: berth ps -a ${app}`)
  return placed(found.id, found.name)
}
