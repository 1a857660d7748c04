/**
 * What the agent remembers of each instance across its own restarts. On tmpfs: it holds the app's secrets, and after a
 * reboot nothing of it would be true.
 */
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LaunchSpec } from '#core/contract/internal.ts'
import type { InstanceId } from '#core/domain/ids.ts'
import type { Desired, Reported } from '#core/domain/instance.ts'
import type { Ceilings, Resources } from '#core/domain/resources.ts'
import type { ReadSoFar } from '../logs.ts'
import type { PublishedPort } from '../sandbox/link.ts'
import type { SandboxHandle } from '../sandbox/index.ts'

/** What a running sandbox is held to. */
export type Limits = {
  size: Resources
  ceilings: Ceilings
  paused: boolean
  /** Its tenant's ceiling, which bounds its own. */
  tenantCpuMilli: number
}

export type InstanceRecord = {
  desired: Desired
  launch: LaunchSpec | null
  /** The place on the network that a start in progress has taken; set before anything is made there. */
  place: { index: number; published: PublishedPort | null } | null
  sandbox: SandboxHandle | null
  /** Of one that runs once: its start was begun, and is never begun again. */
  begun?: boolean
  /** What its sandbox has now; it lags behind what is desired. */
  applied: Limits | null
  reported: Reported
  /** How far what it prints was stored; see agent/logs.ts. */
  output: ReadSoFar
  restarts: number
}

export type Records = {
  /** At once, since two changes of one instance may be saved at the same time; on tmpfs that takes microseconds. */
  save(record: InstanceRecord): void
  remove(id: InstanceId): void
  loadAll(): Promise<InstanceRecord[]>
}

export async function openRecords(folder: string): Promise<Records> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const fileOf = (id: string) => join(folder, `${id}.json`)
  return {
    save(record) {
      const file = fileOf(record.desired.id)
      writeFileSync(`${file}.new`, JSON.stringify(record), { mode: 0o600 })
      renameSync(`${file}.new`, file)
    },
    remove: (id) => rmSync(fileOf(id), { force: true }),
    async loadAll() {
      const names = (await readdir(folder)).filter((name) => name.endsWith('.json'))
      return Promise.all(
        names.map(async (name) => whole(JSON.parse(await readFile(join(folder, name), 'utf8')) as InstanceRecord)),
      )
    },
  }
}

/** What an earlier version wrote names no file of output; it begins again, with the next lines that are printed. */
const whole = (record: InstanceRecord): InstanceRecord => ({ ...record, output: record.output ?? notRead })

export const notRead: ReadSoFar = { file: null, offset: 0 }
