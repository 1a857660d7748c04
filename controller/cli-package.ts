/** The command line's package, made from this checkout by a process of its own: bundling needs memory that the API has no use for. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const BUILD_WITHIN_MS = 120_000

export type CliPackage = {
  tarball: Buffer
  /** SHA-256 of the tarball, in hex: the same checkout makes the same one. */
  digest: string
}

/**
 * @param home where there is room for a moment
 * @returns a function that makes the package when it is first asked for; one that failed is tried again at the next call
 */
export function createCliPackage(home: string): () => Promise<CliPackage> {
  let made: Promise<CliPackage> | null = null
  return () =>
    (made ??= make(home).catch((error: unknown) => {
      made = null
      throw error
    }))
}

async function make(home: string): Promise<CliPackage> {
  const folder = await mkdtemp(join(home, 'cli-'))
  try {
    await promisify(execFile)(process.execPath, ['--no-warnings', join(ROOT, 'scripts/build-cli.ts'), folder], {
      timeout: BUILD_WITHIN_MS,
      cwd: folder,
    })
    const tarball = await readFile(join(folder, 'cli.tgz'))
    return { tarball, digest: createHash('sha256').update(tarball).digest('hex') }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
