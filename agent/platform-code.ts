/** The buildpacks as one file that Node has compiled already: made once for all Berths of a machine, as long as the code is the same. */
import { createHash } from 'node:crypto'
import { chmod, mkdir, mkdtemp, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '#core/runtime/process.ts'
import { exists } from './exists.ts'
import { markUsed } from './machine-store/index.ts'

const ROOT = join(import.meta.dirname, '..')
const MAIN = join(ROOT, 'buildpacks/main.ts')
const BUNDLER = join(import.meta.dirname, 'platform-bundle.ts')

/** All that may be in the file: the code, and the packages by their versions, the bundler's among them. */
const SOURCES = ['buildpacks', 'core', 'package-lock.json']

/** What Node made of the code, by its version; portable, since it lies elsewhere in the sandbox. */
export const COMPILED = 'compiled'

/**
 * One file starts each of a build's two processes in 60 ms instead of 250. To make it takes a second, which an agent that
 * comes back after a crash should not have builds wait for.
 * @param node the folder of the Node that runs in sandboxes: what another one compiled is not read
 * @returns a folder with main.mjs and what is compiled, which is root's alone: sandboxes are given a copy
 */
export async function platformCode(cacheDir: string, node: string): Promise<string> {
  const folder = join(cacheDir, 'platform')
  const path = join(folder, await fingerprint(node))
  if (await exists(path)) {
    await markUsed(path)
    return path
  }
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const making = await mkdtemp(join(folder, 'building-'))
  try {
    await make(making, node)
    await rename(making, path)
  } catch (error) {
    await rm(making, { recursive: true, force: true })
    // Another Berth of this machine was faster.
    if (!(await exists(path))) throw error
  }
  return path
}

/** The bundler takes more memory than the agent, so it is a process of its own. */
async function make(folder: string, node: string): Promise<void> {
  const main = join(folder, 'main.mjs')
  await run([process.execPath, BUNDLER, MAIN, main])
  const compiled = join(folder, COMPILED)
  const env = { NODE_COMPILE_CACHE: compiled, NODE_COMPILE_CACHE_PORTABLE: '1' }
  // It ends with the phases that there are; by then all of its code is loaded.
  await run([join(node, 'bin/node'), main, 'none'], { env }).catch(() => undefined)
  await mkdir(compiled, { recursive: true })
  await chmodBelow(folder)
  await toDisk(main)
}

/** After a power cut an empty file would be taken for the code. Of what it compiled, Node looks at a checksum. */
async function toDisk(path: string): Promise<void> {
  const file = await open(path)
  await file.sync()
  await file.close()
}

async function fingerprint(node: string): Promise<string> {
  const files = (await Promise.all(SOURCES.map(filesBelow))).flat().sort()
  const hash = createHash('sha256').update(node)
  const texts = await Promise.all(files.map((file) => readFile(join(ROOT, file))))
  for (const [i, text] of texts.entries()) hash.update(`\0${files[i]}\0${text.length}\0`).update(text)
  return hash.digest('hex').slice(0, 32)
}

/** Files below a file or folder, from the root of the source. */
async function filesBelow(path: string): Promise<string[]> {
  if ((await stat(join(ROOT, path))).isFile()) return [path]
  const entries = await readdir(join(ROOT, path), { withFileTypes: true, recursive: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length))
}

/** Node makes files for its own user alone, and in the sandbox it is another one. */
async function chmodBelow(folder: string): Promise<void> {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await chmodBelow(path)
    else await chmod(path, 0o644)
  }
}
