/** The gems that an app brings along in vendor/cache: packages as RubyGems makes them, which are tar archives. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { AppFolder } from '../contract.ts'
import { MIB } from '../folder.ts'

export const VENDORED = 'vendor/cache'

export const vendoredGems = async (app: AppFolder): Promise<string[]> =>
  (await app.names(VENDORED)).filter((name) => name.endsWith('.gem'))

/** Whether any of them is compiled when it is installed; one that cannot be read counts as if it were. */
export const anyIsCompiled = (app: AppFolder, gems: string[]): boolean =>
  gems.some((name) => isCompiled(join(app.path, VENDORED, name)))

const WITHIN_MS = 10_000

function isCompiled(file: string): boolean {
  const { status, stdout } = spawnSync('tar', ['-x', '-O', '-f', file, 'metadata.gz'], {
    maxBuffer: 4 * MIB,
    timeout: WITHIN_MS,
  })
  if (status !== 0) return true
  try {
    return hasExtensions(gunzipSync(stdout, { maxOutputLength: 4 * MIB }).toString('utf8'))
  } catch {
    return true
  }
}

/** A gem's own description is YAML that RubyGems wrote: `extensions: []` in those that are plain Ruby. */
export const hasExtensions = (metadata: string): boolean => !/^extensions: \[\]$/m.test(metadata)
