/** What an app.json says about the app as a whole; what it says about processes and the clock goes into the slug. */
import type { ProcessType } from './ids.ts'

export type Manifest = {
  /** Runs once, after the first release went live; null: nothing does. */
  postdeploy: string | null
  /** For process types that have no formation yet, at the first release; null: as for every app. */
  formation: Partial<Record<ProcessType, { quantity: number | null; size: ManifestSize | null }>>
  /** Config vars that are set at the first release, where they are not set. */
  env: Record<string, ManifestVariable>
}

export type ManifestSize = { memoryMb: number; cpuMilli: number | null }

/** `secret`: 32 random bytes, in hex. */
export type ManifestVariable = { value: string } | { generator: 'secret' }

export const emptyManifest: Manifest = { postdeploy: null, formation: {}, env: {} }

/** Heroku's sizes; what a cheaper one shares with others, here it shares with others too. */
const herokuSizes: Record<string, ManifestSize> = {
  free: { memoryMb: 512, cpuMilli: null },
  eco: { memoryMb: 512, cpuMilli: null },
  hobby: { memoryMb: 512, cpuMilli: null },
  basic: { memoryMb: 512, cpuMilli: null },
  'standard-1x': { memoryMb: 512, cpuMilli: null },
  'standard-2x': { memoryMb: 1024, cpuMilli: null },
  'private-s': { memoryMb: 1024, cpuMilli: null },
  'private-m': { memoryMb: 2560, cpuMilli: 2000 },
  'private-l': { memoryMb: 14_336, cpuMilli: 8000 },
  'performance-m': { memoryMb: 2560, cpuMilli: 2000 },
  'performance-l': { memoryMb: 14_336, cpuMilli: 8000 },
}

/** @param text one of Heroku's names, in any case, or memory like `256M` or `1G`; @returns null when it is neither */
export function readSize(text: string): ManifestSize | null {
  const name = text.toLowerCase()
  if (Object.hasOwn(herokuSizes, name)) return herokuSizes[name] ?? null
  const [, number = '', unit = ''] = /^(\d{1,5})(m|mb|g|gb)$/.exec(name) ?? []
  const memoryMb = Number(number) * (unit.startsWith('g') ? 1024 : 1)
  return number !== '' && memoryMb >= 32 && memoryMb <= 65_536 ? { memoryMb, cpuMilli: null } : null
}
