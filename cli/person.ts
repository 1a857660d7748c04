/**
 * Speaks to the API as a person with a password: what a token must not do (changing the password, say), and getting a first
 * token. The session lives as long as the command.
 */
import type { Problem } from '#core/contract/api.ts'
import type { SessionView } from '#core/contract/identity.ts'
import { ask, askSecret, readAll } from './ask.ts'
import { urlOf, type Calls, type Sent } from './client.ts'
import type { Context, Options } from './context.ts'
import { failed, notBerth, refused, unreachable, usage } from './failures.ts'

export type Person = Calls & { session: SessionView }

type Login = { email: string; password: string; totp?: string | undefined }

const ANSWER_WITHIN_MS = 30_000

/** Signs in, works, and signs out, whatever comes of the work. */
export async function asPerson<T>(
  apiUrl: string,
  login: Login,
  context: Context,
  work: (person: Person) => Promise<T>,
): Promise<T> {
  const calls = callsOf(apiUrl)
  const session = await enter(login, context, (body) => calls.post('/session', { body }))
  try {
    return await work({ session, ...calls })
  } finally {
    await calls.delete('/session').catch(() => {})
  }
}

/** Calls of one browser, so to say: what cookies the API sets come with the next. */
function callsOf(apiUrl: string): Calls {
  const cookies = new Map<string, string>()
  const by = (method: string) => (path: string, sent?: Sent) => send(apiUrl, cookies, method, path, sent)
  return { get: by('GET'), post: by('POST'), patch: by('PATCH'), delete: by('DELETE') } as unknown as Calls
}

/** Asks for what is missing: on a terminal in words, else the password is what is piped in. */
export async function readLogin(context: Context, options: Options, usual: string | null = null): Promise<Login> {
  const { stdin } = context
  const email = options.email ?? usual ?? (stdin.isTTY ? await ask(stdin, 'E-mail address: ', '') : '')
  if (email === '') throw usage('Say who you are: --email ann@example.com')
  const password = stdin.isTTY ? await askSecret(stdin, `Password of ${email} (not shown): `) : await readAll(stdin)
  return { email, password, totp: options.totp }
}

async function enter(
  login: Login,
  { stdin }: Context,
  signIn: (login: Login) => Promise<SessionView>,
): Promise<SessionView> {
  try {
    return await signIn(login)
  } catch (error) {
    if (!(error instanceof Error && error.message.includes('(TOTP_REQUIRED,')) || !stdin.isTTY) throw error
    return signIn({ ...login, totp: await ask(stdin, 'Code of your authenticator app: ', '') })
  }
}

async function send(
  apiUrl: string,
  cookies: Map<string, string>,
  method: string,
  path: string,
  sent: Sent = {},
): Promise<unknown> {
  const body = method === 'POST' ? (sent.body ?? {}) : sent.body
  const response = await fetch(urlOf(apiUrl, path, sent), {
    method,
    headers: {
      accept: 'application/json, application/problem+json',
      'user-agent': 'berth-cli',
      // A cookie counts only for requests that say that they are not another site's.
      origin: new URL(apiUrl).origin,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(cookies.size === 0 ? {} : { cookie: [...cookies].map((pair) => pair.join('=')).join('; ') }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    redirect: 'manual',
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  }).catch((error: unknown) => {
    throw unreachable(apiUrl, reasonOf(error), error)
  })
  for (const line of response.headers.getSetCookie()) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
    cookies.set(name, value)
  }
  const text = await response.text()
  if (response.status >= 300 && response.status < 400) throw notBerth(apiUrl, 'it redirects')
  return parse(apiUrl, response, text)
}

function parse(apiUrl: string, { ok, status }: Response, text: string): unknown {
  const value = text === '' ? null : parseJson(apiUrl, text)
  if (ok) return value
  const { detail, code } = (value ?? {}) as Partial<Problem>
  throw typeof detail === 'string' && typeof code === 'string'
    ? refused(value as Problem)
    : notBerth(apiUrl, `HTTP status ${status} without a problem description`)
}

function parseJson(apiUrl: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw notBerth(apiUrl, 'its answer is not JSON')
  }
}

const reasonOf = (error: unknown): string => {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return cause instanceof Error && cause.message !== '' ? cause.message : 'nothing listens there'
}

/** @returns seconds. @throws usage */
export function parseLifetime(text: string): number {
  const [, count = '', unit = ''] = /^(\d{1,5})([mhd])$/.exec(text) ?? []
  const seconds = Number(count) * ({ m: 60, h: 3600, d: 86_400 }[unit] ?? 0)
  if (seconds === 0) throw usage(`--expires must be a time like 30m, 12h or 90d, got "${text}".`)
  return seconds
}

/** A new one, typed twice. @throws when the two differ */
export async function askNewPassword({ stdin }: Context): Promise<string> {
  if (!stdin.isTTY) throw usage('A new password is asked for on a terminal only.')
  const password = await askSecret(stdin, 'New password (not shown): ')
  if (password !== (await askSecret(stdin, 'Once more: ')))
    throw failed('These were two different passwords. Nothing was changed.')
  return password
}
