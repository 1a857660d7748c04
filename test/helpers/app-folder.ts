/** An app's folder in memory, for tests of what buildpacks decide. */
import type { AppFolder } from '#buildpacks/contract.ts'

/** @param files their texts by path; an object becomes JSON */
export function anAppFolder(files: Record<string, string | object>): AppFolder {
  const paths = Object.keys(files)
  return {
    path: '/app',
    read(name) {
      const content = files[name]
      return Promise.resolve(
        content === undefined ? null : typeof content === 'string' ? content : JSON.stringify(content),
      )
    },
    has: (name) => Promise.resolve(paths.includes(name)),
    names(folder = '.') {
      const prefix = folder === '.' ? '' : `${folder}/`
      const below = paths.filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length))
      return Promise.resolve([...new Set(below.map((path) => path.split('/')[0] ?? ''))].sort())
    },
  }
}
