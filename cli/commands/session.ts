/** login, logout, whoami. */
import type { WhoamiView } from '#core/contract/api.ts'
import { ask, askSecret, readAll } from '../ask.ts'
import { createClient } from '../client.ts'
import type { Context, Run } from '../context.ts'
import {
  credentialsFile,
  DEFAULT_API_URL,
  isPlainAndRemote,
  parseApiUrl,
  parseToken,
  removeCredentials,
  saveCredentials,
} from '../credentials.ts'

/** Nothing is saved before the API has accepted the token. */
export const login: Run = async (context, _args, options) => {
  const { env, out } = context
  const apiUrl = parseApiUrl(options.apiUrl ?? (env['BERTH_API_URL'] || (await askApiUrl(context))), 'The API URL')
  if (isPlainAndRemote(apiUrl))
    out.note(`Warning: ${apiUrl} is not encrypted, so others on the way can read your token. Use https if you can.`)
  const token = parseToken(options.token ?? (await readToken(context)), 'The token')
  const who = await createClient({ apiUrl, token }).get<WhoamiView>(['whoami'])
  const file = credentialsFile(env)
  await saveCredentials(file, { apiUrl, token })
  if (options.json) out.json(who)
  else out.line(`Logged in to ${apiUrl} as ${describe(who)}. The token is in ${file}.`)
  if (env['BERTH_TOKEN']) out.note('BERTH_TOKEN is set, and wins over the token that was saved now.')
}

export const logout: Run = async ({ env, out }, _args, options) => {
  const removed = await removeCredentials(credentialsFile(env))
  if (options.json) return
  out.line(removed ? 'Logged out. The token stays valid until it is revoked.' : 'Nobody was logged in.')
  if (env['BERTH_TOKEN']) out.note('BERTH_TOKEN is still set.')
}

export const whoami: Run = async ({ client, out }, _args, options) => {
  const api = await client()
  const who = await api.get<WhoamiView>(['whoami'])
  if (options.json) out.json(who)
  else out.line(`${describe(who)} at ${api.apiUrl}`)
}

async function askApiUrl({ stdin }: Context): Promise<string> {
  return stdin.isTTY ? ask(stdin, `API URL [${DEFAULT_API_URL}]: `, DEFAULT_API_URL) : DEFAULT_API_URL
}

function readToken({ stdin }: Context): Promise<string> {
  return stdin.isTTY ? askSecret(stdin, 'Token (not shown): ') : readAll(stdin)
}

function describe({ actor, tenant, operator }: WhoamiView): string {
  const roles = [...(operator ? ['operator'] : []), ...(tenant === null ? [] : [`tenant ${tenant}`])]
  return roles.length === 0 ? actor : `${actor} (${roles.join(', ')})`
}
