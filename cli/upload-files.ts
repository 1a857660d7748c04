/** What of a folder is sent: all that .gitignore and .slugignore do not leave out, in an order of its own. */
import { lstat, readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import ignore, { type Ignore } from 'ignore'
import { failed } from './failures.ts'
import type { Entry } from '#core/domain/archive.ts'

export type Found = {
  entries: Entry[]
  /** Paths of what is neither a file, a folder nor a link. */
  skipped: string[]
}

/** Rules of one folder; a deeper folder's come first (gitignore(5)). */
type Rules = { below: string; rules: Ignore }

/** @throws when the folder cannot be read, or holds a name that no archive can carry */
export async function findFiles(root: string): Promise<Found> {
  const found: Found = { entries: [], skipped: [] }
  const top = await read(root, '.gitignore')
  const left = await read(root, '.slugignore')
  // Who has no word on it means what everybody means.
  const usual = ignore().add(top === null ? ['node_modules/'] : [])
  const slug = ignore().add(left ?? '')
  const isLeftOut = (path: string, name: string, rules: Rules[]) =>
    name === '.git' || usual.ignores(path) || slug.ignores(path) || isIgnored(path, rules)
  await walk(root, '', [], isLeftOut, found)
  return found
}

async function walk(
  root: string,
  folder: string,
  above: Rules[],
  isLeftOut: (path: string, name: string, rules: Rules[]) => boolean,
  found: Found,
): Promise<void> {
  const own = await read(join(root, folder), '.gitignore')
  const rules = own === null ? above : [{ below: folder, rules: ignore().add(own) }, ...above]
  const items = await readdir(join(root, folder), { withFileTypes: true })
  // Not by a language's rules, so that the same files make the same archive everywhere.
  for (const item of items.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = folder === '' ? item.name : `${folder}/${item.name}`
    if (item.name.includes('\ufffd'))
      throw failed(`The name of ${JSON.stringify(path)} is not UTF-8. Rename it, or leave it out by .slugignore.`)
    if (isLeftOut(item.isDirectory() ? `${path}/` : path, item.name, rules)) continue
    const entry = await entryOf(join(root, path), path)
    if (entry === null) found.skipped.push(path)
    else found.entries.push(entry)
    if (entry?.kind === 'folder') await walk(root, path, rules, isLeftOut, found)
  }
}

async function entryOf(file: string, path: string): Promise<Entry | null> {
  const found = await lstat(file)
  const entry = { path, size: 0, isExecutable: false, target: '' }
  if (found.isDirectory()) return { ...entry, kind: 'folder' }
  if (found.isSymbolicLink()) return { ...entry, kind: 'link', target: await readlink(file) }
  if (!found.isFile()) return null
  return { ...entry, kind: 'file', size: found.size, isExecutable: (found.mode & 0o111) !== 0 }
}

/** The deepest rules that say anything decide. */
function isIgnored(path: string, rules: Rules[]): boolean {
  for (const { below, rules: own } of rules) {
    const { ignored, unignored } = own.test(below === '' ? path : path.slice(below.length + 1))
    if (ignored || unignored) return ignored
  }
  return false
}

/** @returns null when it is not there */
async function read(folder: string, name: string): Promise<string | null> {
  try {
    return await readFile(join(folder, name), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
