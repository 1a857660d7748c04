/** What this command line is: a checkout, run from its source, or the one file of its package. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** Whether this is the bundled file; the source files end in `.ts`. */
export const isPackaged = !import.meta.url.endsWith('.ts')

/** Absolute path of the program to call berth by, for git. */
export const launcher = fileURLToPath(isPackaged ? import.meta.url : new URL('../bin/berth', import.meta.url))

/** The package's or checkout's own version, like `0.1.0`. */
export async function ownVersion(): Promise<string> {
  const manifest = new URL(isPackaged ? './package.json' : '../package.json', import.meta.url)
  return (JSON.parse(await readFile(manifest, 'utf8')) as { version: string }).version
}
