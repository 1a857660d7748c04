/**
 * Speaks to the API as a person with a password: what a token must not do (changing the password, say), and getting a first
 * token. The session lives as long as the command.
 */
import type { Problem } from '#core/contract/api.ts'
import type { SessionView } from '#core/contract/identity.ts'
import { ask, askSecret, readAll } from './ask.ts'
import { urlOf, type Path } from './client.ts'
import type { Context, Options } from './context.ts'
import { failed, notBerth, refused, unreachable, usage } from './failures.ts'

export type Person = {
  session: SessionView
  call: <T>(method: string, path: Path, body?: unknown) => Promise<T>
}

type Login = { email: string; password: string; totp?: string | undefined }

const ANSWER_WITHIN_MS = 30_000

/** Signs in, works, and signs out, whatever comes of the work. */
export async function asPerson<T>(
  apiUrl: string,
  login: Login,
  context: Context,
  work: (person: Person) => Promise<T>,
): Promise<T> {
  const cookies = new Map<string, string>()
  const call = <R>(method: string, path: Path, body?: unknown) => send<R>(apiUrl, cookies, method, path, body)
  const session = await enter(login, context, (attempt) => call<SessionView>('POST', ['session'], attempt))
  try {
    return await work({ session, call })
  } finally {
    await call('DELETE', ['session']).catch(() => {})
  }
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

async function send<T>(
  apiUrl: string,
  cookies: Map<string, string>,
  method: string,
  path: Path,
  body?: unknown,
): Promise<T> {
  const response = await fetch(urlOf(apiUrl, path), {
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
  return parse<T>(apiUrl, response, text)
}

function parse<T>(apiUrl: string, { ok, status }: Response, text: string): T {
  const value = text === '' ? null : parseJson(apiUrl, text)
  if (ok) return value as T
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
