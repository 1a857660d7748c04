/** The pushed source, from the archive into the app's folder, without what .slugignore names. */
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { BuildFailure, exitCodes, invalidFile, type AppFolder, type Output } from './contract.ts'
import { KIB } from './folder.ts'
import { runQuietly } from './steps.ts'

/**
 * Unpacks a tar archive. It runs inside the build sandbox, so a link may point wherever it likes.
 * @throws BuildFailure when the archive cannot be unpacked or holds no file
 */
export async function unpack(archive: string, app: AppFolder, output: Output): Promise<void> {
  await mkdir(app.path, { recursive: true })
  await runQuietly(unpackCommand(archive, app.path), app.path, output)
  if ((await app.names()).length === 0)
    throw new BuildFailure(
      exitCodes.emptySource,
      'The commit holds no files. Add the app to it (git add, git commit) and push again.',
    )
  await dropIgnored(app, output)
}

/** Owners and modes in the archive are the tenant's wishes: the files belong to the app's user, with its umask. */
export const unpackCommand = (archive: string, folder: string): [string, ...string[]] => [
  'tar',
  '-x',
  '--no-same-owner',
  '--no-same-permissions',
  '-f',
  archive,
  '-C',
  folder,
]

/** Removes what the .slugignore of the app's folder names. */
export async function dropIgnored(app: AppFolder, output: Output): Promise<void> {
  const text = await app.read('.slugignore', 64 * KIB)
  if (text === null) return
  const ignored = slugIgnore(text)
  const dropped: string[] = []
  async function visit(folder: string): Promise<void> {
    for (const entry of await readdir(join(app.path, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (ignored(path, entry.isDirectory())) {
        await rm(join(app.path, path), { recursive: true, force: true })
        dropped.push(path)
      } else if (entry.isDirectory()) await visit(path)
    }
  }
  await visit('')
  if (dropped.length > 0) output.title(`Left out ${dropped.length} files and folders named in .slugignore`)
}

const MAX_PATTERNS = 500

/**
 * Which paths a .slugignore names: the patterns of .gitignore without negation. `*` and `?` stay inside a name, `**`
 * crosses folders; a pattern with a slash before its end starts at the root, any other matches a name at any depth.
 * @throws BuildFailure for what it does not know
 */
export function slugIgnore(text: string): (path: string, isFolder: boolean) => boolean {
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
  if (lines.length > MAX_PATTERNS) throw invalidFile(`.slugignore has more than ${MAX_PATTERNS} patterns.`)
  const rules = lines.map(rule)
  return (path, isFolder) => rules.some(({ pattern, onlyFolders }) => (isFolder || !onlyFolders) && pattern.test(path))
}

function rule(line: string): { pattern: RegExp; onlyFolders: boolean } {
  if (line.startsWith('!'))
    throw invalidFile(`.slugignore cannot take a file back in with "!": ${JSON.stringify(line.slice(0, 80))}.`)
  const onlyFolders = line.endsWith('/')
  const glob = line.replace(/\/+$/, '')
  const fromRoot = glob.includes('/')
  const source = glob
    .replace(/^\//, '')
    .split(/(\*\*\/|\*\*|\*|\?)/)
    .map((part) => wildcards[part] ?? RegExp.escape(part))
    .join('')
  return { pattern: new RegExp(`^${fromRoot ? '' : '(?:.*/)?'}${source}$`), onlyFolders }
}

const wildcards: Record<string, string> = { '**/': '(?:.*/)?', '**': '.*', '*': '[^/]*', '?': '[^/]' }
