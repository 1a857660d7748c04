/**
 * What the meter remembers of each life across restarts of the agent. On tmpfs, where saving takes microseconds: after a
 * reboot none of these lives goes on.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { UsageSample } from '#core/store/usage.ts'
import { subjectOf, type Life } from './life.ts'

export type Remembered = {
  life: Life
  /** The newest sample, until the ledger has it. */
  unsent: UsageSample | null
  ended: boolean
}

export type Memory = {
  save(remembered: Remembered): void
  forget(life: Life): void
  loadAll(): Remembered[]
}

export function openMemory(folder: string): Memory {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const fileOf = ({ sandbox }: Life) => join(folder, `${subjectOf(sandbox)}.json`)
  return {
    save({ life, unsent, ended }) {
      const file = fileOf(life)
      writeFileSync(`${file}.new`, JSON.stringify({ life, unsent, ended }), { mode: 0o600 })
      renameSync(`${file}.new`, file)
    },
    forget: (life) => rmSync(fileOf(life), { force: true }),
    loadAll: () =>
      readdirSync(folder)
        .filter((name) => name.endsWith('.json'))
        .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Remembered),
  }
}
