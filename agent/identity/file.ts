/** What a host is known by, on its own disk: root's alone (0600), whole or not there. */
import { X509Certificate } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { identityIn } from '#core/domain/agent-access.ts'
import type { HostId } from '#core/domain/ids.ts'

/** All in PEM. */
const credentials = z.strictObject({ key: z.string(), certificate: z.string(), authority: z.string() })
export type Credentials = z.infer<typeof credentials>

/** In a folder of its own, whose rights are nobody else's business. @param home BERTH_HOME */
export const identityFile = (home: string): string => join(home, 'identity', 'host.json')

/** @returns null where there is none that can be read, or one that is another host's */
export async function readCredentials(file: string, host: HostId): Promise<Credentials | null> {
  try {
    const read = credentials.parse(JSON.parse(await readFile(file, 'utf8')))
    return hostOf(read) === host ? read : null
  } catch {
    return null
  }
}

export async function writeCredentials(file: string, given: Credentials): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const temporary = `${file}.${process.pid}`
  await writeFile(temporary, JSON.stringify(given), { mode: 0o600, flush: true })
  await rename(temporary, file)
}

const hostOf = ({ certificate }: Credentials): string | undefined =>
  identityIn(new X509Certificate(certificate).subjectAltName ?? '')?.host

/** ms since 1970 */
export const endOf = ({ certificate }: Credentials): number => new X509Certificate(certificate).validToDate.getTime()
