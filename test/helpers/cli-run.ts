/** Runs commands of the command table within this process, and notes what they ask of a real API. */
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough, Readable, Writable } from 'node:stream'
import { createContext } from '../../cli/context.ts'
import { runToItsEnd } from '../../cli/ending.ts'
import { createOutput } from '../../cli/output.ts'
import { launcher } from '../../cli/self.ts'
import { commands } from '../../cli/tables/index.ts'
import type { Problem } from '#core/contract/api.ts'
import { operations } from '#core/contract/operations/index.ts'

export type Recorder = {
  url: string
  /** Forgets what was asked. `once`: the first answer is broken off soon after it began, and nothing else is answered but 401. */
  begin(how: { once: boolean }): void
  /** What was asked since it began, as `GET /apps/:app`, each once. */
  take(): string[]
  stop(): Promise<void>
}

/** So that what follows sees that there was something to follow, and tries again. */
const SOON_MS = 200
const left = JSON.stringify({
  type: 'urn:berth:error:UNAUTHENTICATED',
  title: 'Unauthorized',
  status: 401,
  detail: 'Enough was seen.',
  code: 'UNAUTHENTICATED',
  requestId: 'none',
} satisfies Problem)

/** Stands before an API and hands on all requests. */
export async function startRecorder(apiUrl: string): Promise<Recorder> {
  let seen = new Set<string>()
  let once = false
  const server = createServer((req, res) => {
    const path = (req.url ?? '').split('?')[0] ?? ''
    if (once && seen.size > 0) return void res.writeHead(401, { 'content-type': 'application/problem+json' }).end(left)
    seen.add(operationOf(req.method ?? '', path))
    const isLast = once
    const onward = request(apiUrl + req.url, {
      method: req.method,
      headers: { ...req.headers, host: req.headers.host },
    })
    onward.on('response', (answer) => {
      res.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(res)
      if (isLast) setTimeout(() => res.destroy(), SOON_MS)
    })
    onward.on('error', () => res.destroy())
    res.on('close', () => onward.destroy())
    req.pipe(onward)
  })
  server.on('upgrade', (_req, socket) => socket.destroy())
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    begin(how) {
      seen = new Set()
      once = how.once
    },
    take: () => [...seen].sort(),
    stop() {
      server.closeAllConnections()
      return new Promise((resolve) => void server.close(() => resolve()))
    },
  }
}

const patterns = Object.keys(operations).map((operation) => {
  const [method = '', path = ''] = operation.split(' ')
  const fixed = path.split('/').filter((part) => !part.startsWith(':')).length
  return { operation, method, fixed, pattern: new RegExp(`^/v1${path.replace(/:\w+/g, '[^/]+')}$`) }
})

/** The declared operation that a request is of: with the most parts that are no parameters, as `/slugs/file` and `/slugs/:release`. */
function operationOf(method: string, path: string): string {
  const found = patterns.filter((one) => one.method === method && one.pattern.test(path))
  return found.sort((a, b) => b.fixed - a.fixed)[0]?.operation ?? `${method} ${path}`
}

export type Ran = { code: number; stdout: string; stderr: string }

/**
 * What a command does and says, without the third of a second that a process costs.
 *
 * @param env what the command sees of its surroundings. @param input what is piped in
 */
export async function runInProcess(
  argv: string[],
  { env, cwd, input = '' }: { env: NodeJS.ProcessEnv; cwd: string; input?: string | undefined },
): Promise<Ran> {
  const ran: Ran = { code: 1, stdout: '', stderr: '' }
  const sink = (name: 'stdout' | 'stderr') =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        ran[name] += chunk.toString()
        done()
      },
    })
  const context = createContext({
    env,
    cwd,
    stdin: (input === ''
      ? new PassThrough().end()
      : Readable.from([Buffer.from(input)])) as unknown as NodeJS.ReadStream,
    out: createOutput(sink('stdout'), sink('stderr'), env),
    now: Date.now,
    launcher,
    commands,
  })
  ran.code = await runToItsEnd(argv, context)
  return ran
}

/** The words of an example, as a shell would have them: quotes are taken off, what comes after them is left out. */
export function wordsOf(example: string, home: string): string[] {
  const [typed = ''] = example.split(/ (?:[<>|]|&&) /)
  return [...typed.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, plain]) => single ?? double ?? plain?.replace(/^~/, home) ?? '',
  )
}
