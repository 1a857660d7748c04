/** A link that signs the operator in to the console once, for the end of `npm run up`. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LoginLinkView } from '#core/contract/identity.ts'
import { ownApiUrl, type Config } from '#core/runtime/config.ts'

const WITHIN_MS = 5_000

/** @returns null when there is none to be had: the token works without it */
export async function loginLink(config: Pick<Config, 'home' | 'apiAddress' | 'apiPort'>): Promise<string | null> {
  try {
    const token = (await readFile(join(config.home, 'operator-token'), 'utf8')).trim()
    const response = await fetch(`${ownApiUrl(config)}/v1/login-links`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(WITHIN_MS),
    })
    return response.status === 201 ? ((await response.json()) as LoginLinkView).url : null
  } catch {
    return null
  }
}
