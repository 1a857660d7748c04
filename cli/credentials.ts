/** Where the API is and who is calling: from the environment, else from what `berth login` saved. */
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { credentialsDamaged, notLoggedIn, savedForAnother, usage } from './failures.ts'

export type Credentials = {
  apiUrl: string
  token: string
  /** The token's id, where `berth login --email` made it for this machine alone, so that logging out revokes it. */
  own?: string
}

/** The address that a Berth on this machine listens on by default. */
export const DEFAULT_API_URL = 'http://127.0.0.1:4000'

/**
 * BERTH_TOKEN and BERTH_API_URL win over what was saved. A saved token goes only to the API that it was saved for.
 * @throws a CliError with exit code 3 when there is no token
 */
export function chooseCredentials(env: NodeJS.ProcessEnv, saved: Credentials | null): Credentials {
  const apiUrl = env['BERTH_API_URL'] ? parseApiUrl(env['BERTH_API_URL'], 'BERTH_API_URL') : null
  const token = env['BERTH_TOKEN']
  if (token) return { apiUrl: apiUrl ?? saved?.apiUrl ?? DEFAULT_API_URL, token: parseToken(token, 'BERTH_TOKEN') }
  if (saved === null) throw notLoggedIn()
  if (apiUrl !== null && apiUrl !== saved.apiUrl) throw savedForAnother(saved.apiUrl, apiUrl)
  return saved
}

/** @returns the URL without a trailing slash */
export function parseApiUrl(text: string, name: string): string {
  if (!URL.canParse(text)) throw usage(`${name} must be an http or https URL, got "${text}".`)
  const url = new URL(text)
  if (!/^https?:$/.test(url.protocol) || url.username !== '' || url.search !== '' || url.hash !== '')
    throw usage(`${name} must be an http or https URL without user name, query and fragment, got "${text}".`)
  return url.href.replace(/\/+$/, '')
}

/** A token travels in a header, so it is one word of printable ASCII (RFC 6750 §2.1 allows fewer still). */
export function parseToken(text: string, name: string): string {
  const token = text.trim()
  if (!/^[\x21-\x7e]{1,4096}$/.test(token)) throw usage(`${name} must be one word of printable characters.`)
  return token
}

/** A token over plain HTTP can be read on the way, unless it never leaves the machine. */
export function isPlainAndRemote(apiUrl: string): boolean {
  const { protocol, hostname } = new URL(apiUrl)
  return protocol === 'http:' && !/^(localhost|.*\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)
}

export function credentialsFile(env: NodeJS.ProcessEnv): string {
  const base = env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config')
  return join(base, 'berth', 'credentials.json')
}

/** @returns null when nobody is logged in */
export async function readCredentials(file: string): Promise<Credentials | null> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  const value = parseJson(text)
  if (!isCredentials(value)) throw credentialsDamaged(file)
  return value
}

/** Written beside and renamed, so that a crash leaves the old file or the new one; only its owner can read it. */
export async function saveCredentials(file: string, credentials: Credentials): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const draft = `${file}.${process.pid}`
  await rm(draft, { force: true })
  const handle = await open(draft, 'wx', 0o600)
  try {
    await handle.writeFile(`${JSON.stringify(credentials, null, 2)}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(draft, file)
}

/** @returns false when there was nothing to remove */
export async function removeCredentials(file: string): Promise<boolean> {
  try {
    await rm(file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return null
  }
}

function isCredentials(value: unknown): value is Credentials {
  if (typeof value !== 'object' || value === null) return false
  const { apiUrl, token, own } = value as Partial<Record<keyof Credentials, unknown>>
  if (own !== undefined && typeof own !== 'string') return false
  return typeof apiUrl === 'string' && URL.canParse(apiUrl) && typeof token === 'string' && token !== ''
}
