/** login, login:link, logout, whoami. */
import { hostname } from 'node:os'
import type { WhoamiView } from '#core/contract/identity.ts'
import { ask, askSecret, readAll } from '../ask.ts'
import { createClient } from '../client.ts'
import type { Context, Options, Run } from '../context.ts'
import {
  credentialsFile,
  DEFAULT_API_URL,
  isPlainAndRemote,
  parseApiUrl,
  parseToken,
  readCredentials,
  removeCredentials,
  saveCredentials,
} from '../credentials.ts'
import { usage } from '../failures.ts'
import { asPerson, parseLifetime, readLogin } from '../person.ts'

/** Nothing is saved before the API has accepted it. */
export const login: Run = async (context, _args, options) => {
  const { env, out } = context
  const apiUrl = parseApiUrl(options.apiUrl ?? (env['BERTH_API_URL'] || (await askApiUrl(context))), 'The API URL')
  if (isPlainAndRemote(apiUrl))
    out.note(`Warning: ${apiUrl} is not encrypted, so others on the way can read your token. Use https if you can.`)
  if (options.email === undefined && options.expires !== undefined)
    throw usage('--expires is for the token that --email makes.')
  const { token, own } =
    options.email === undefined
      ? { token: parseToken(options.token ?? (await readToken(context)), 'The token'), own: null }
      : await tokenByPassword(apiUrl, context, options)
  const who = await createClient({ apiUrl, token }).get('/whoami')
  const file = credentialsFile(env)
  await saveCredentials(file, { apiUrl, token, ...(own === null ? {} : { own }) })
  if (options.json) out.json(who)
  else out.line(`Logged in to ${apiUrl} as ${describe(who)}. The token is in ${file}.`)
  if (env['BERTH_TOKEN']) out.note('BERTH_TOKEN is set, and wins over the token that was saved now.')
}

const USUAL_LIFETIME = '30d'

/** One that is this machine's own, for all that the person may reach. */
async function tokenByPassword(
  apiUrl: string,
  context: Context,
  options: Options,
): Promise<{ token: string; own: string }> {
  const expiresInSeconds = parseLifetime(options.expires ?? USUAL_LIFETIME)
  return asPerson(apiUrl, await readLogin(context, options), context, async ({ session, post }) => {
    const scope = session.operator ? { operator: true } : { account: true }
    const wish = { description: `berth login on ${hostname().slice(0, 60)}`, expiresInSeconds, ...scope }
    const { token, id } = await post('/tokens', { body: wish })
    if (session.secondFactor === 'enrol')
      context.out.note(
        'Your account operates the platform once it has a second factor: berth account:totp, then log in again.',
      )
    return { token, own: id }
  })
}

export const link: Run = async ({ client, out }, _args, options) => {
  const made = await (await client()).post('/login-links')
  if (options.json) return out.json(made)
  out.note('This link signs you in once, within ten minutes:')
  out.line(made.url)
}

/** A token that was made elsewhere stays valid; that of this machine is of no more use to anybody. */
export const logout: Run = async ({ env, out }, _args, options) => {
  const file = credentialsFile(env)
  const saved = await readCredentials(file).catch(() => null)
  const revoked = saved?.own === undefined ? false : await revokeOwn(saved.apiUrl, saved.token, saved.own)
  const removed = await removeCredentials(file)
  if (options.json) return
  if (revoked) out.line('Logged out. The token is revoked.')
  else out.line(removed ? 'Logged out. The token stays valid until it is revoked.' : 'Nobody was logged in.')
  if (env['BERTH_TOKEN']) out.note('BERTH_TOKEN is still set.')
}

const revokeOwn = (apiUrl: string, token: string, id: string): Promise<boolean> =>
  createClient({ apiUrl, token })
    .delete('/tokens/:token', { token: id })
    .then(
      () => true,
      () => false,
    )

export const whoami: Run = async ({ client, out }, _args, options) => {
  const api = await client()
  const who = await api.get('/whoami')
  if (options.json) return out.json(who)
  out.line(`${describe(who)} at ${api.apiUrl}`)
}

async function askApiUrl({ stdin }: Context): Promise<string> {
  return stdin.isTTY ? ask(stdin, `API URL [${DEFAULT_API_URL}]: `, DEFAULT_API_URL) : DEFAULT_API_URL
}

function readToken({ stdin }: Context): Promise<string> {
  return stdin.isTTY ? askSecret(stdin, 'Token (not shown): ') : readAll(stdin)
}

function describe({ actor, operator, memberships, app, readOnly, expiresAt }: WhoamiView): string {
  const facts = [
    ...(operator ? ['operator'] : []),
    ...memberships.map(({ tenant, role }) => `${role} of ${tenant}`),
    ...(app === null ? [] : [`for ${app} alone`]),
    ...(readOnly ? ['for looking alone'] : []),
    ...(expiresAt === null ? [] : [`until ${expiresAt.slice(0, 16).replace('T', ' ')}`]),
  ]
  return facts.length === 0 ? actor : `${actor} (${facts.join(', ')})`
}
