/**
 * ◆ A backup as a file: a tar archive (POSIX.1-1988 ustar). `berth-backup.json` comes first and says what it is; then come files, in
 * numbered parts of at most PART_BYTES, because nobody knows how long a file becomes that is still being made; `manifest.json`
 * comes last, with the checksum of every file: a backup without it broke off.
 */
import { backupRefused } from './errors.ts'
import type { Grammar } from './slug-file.ts'

export const HEADER = 'berth-backup.json'
export const CONTENTS = 'manifest.json'
export const PART_BYTES = 4 * 1024 * 1024
/** Rises when an older Berth could not read what a newer one writes. */
export const BACKUP_VERSION = 1

export type BackupHeader = { format: 'berth-backup'; version: number; id: string; createdAt: string; by: string }

/** @property sha256 of all of its parts together, in hex */
export type BackupFile = { name: string; bytes: number; sha256: string }
export type BackupContents = { files: BackupFile[] }

/** What lies in a backup, by its folder. */
const folders = ['home', 'state', 'git', 'layers', 'sources', 'audit', 'trees'] as const

const FILE = new RegExp(`^(?:${folders.join('|')})/[A-Za-z0-9][A-Za-z0-9._-]{0,79}$`)

/** So that nothing can be unpacked to where it does not belong. */
export const isFileName = (name: string): boolean => FILE.test(name) && !name.includes('..')

export const partName = (file: string, part: number): string => `${file}/${String(part).padStart(6, '0')}`

/** @returns null for what is no part of a file */
export function partIn(name: string): { file: string; part: number } | null {
  const [, file = '', part] = /^(.+)\/(\d{6})$/.exec(name) ?? []
  return part !== undefined && isFileName(file) ? { file, part: Number(part) } : null
}

export const backupGrammar: Grammar = {
  knows: (name) => name === HEADER || name === CONTENTS || partIn(name) !== null,
  refuse: backupRefused,
}

/** @throws BACKUP_REFUSED */
export function readHeaderText(text: string): BackupHeader {
  const header = parse(text) as Partial<BackupHeader> | null
  if (header?.format !== 'berth-backup' || typeof header.id !== 'string' || typeof header.version !== 'number')
    throw backupRefused('it is not a backup of Berth')
  if (header.version > BACKUP_VERSION)
    throw backupRefused(`a newer Berth wrote it (format ${header.version}, and this one reads ${BACKUP_VERSION})`)
  return header as BackupHeader
}

/** @param found what arrived. @throws BACKUP_REFUSED that names the first file that is not as it was written */
export function requireWhole(text: string, found: ReadonlyMap<string, Omit<BackupFile, 'name'>>): BackupContents {
  const contents = parse(text) as Partial<BackupContents> | null
  if (!Array.isArray(contents?.files)) throw backupRefused('its manifest cannot be read')
  for (const { name, bytes, sha256 } of contents.files) {
    const here = found.get(name)
    if (here?.bytes !== bytes || here.sha256 !== sha256)
      throw backupRefused(here ? `${name} in it is damaged` : `${name} is missing in it`)
  }
  if (contents.files.length !== found.size) throw backupRefused('it holds more than its manifest says')
  return { files: contents.files }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** What lives for moments only, or is made anew: leases, routers, limits, and sessions, so that everybody logs in again. */
const passing = [
  /^berth:lease:/,
  /^berth:host:[^:]+:lease$/,
  /^berth:routers$/,
  /^berth:router:/,
  /^berth:api-rate:/,
  /^berth:sessions?:/,
  /^berth:traffic:/,
]

/** Whether a key of the store belongs into a backup. */
export const belongs = (key: string): boolean =>
  /^(berth|bull):/.test(key) && !passing.some((pattern) => pattern.test(key))
