/** Finds the file for a path, and never one that is hidden or outside the folder, whatever links say. */
import { realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'

/**
 * @param root the folder, a real path
 * @param settings `hidden`: names in the root that are not for visitors
 * @returns a function that finds the file to send, `folder` when the visitor must ask with a slash at the end, `page` when
 *   without the ending .html, or null
 */
export function createLocate(root, { cleanUrls, hidden }) {
  const notForVisitors = new Set(['Procfile', ...hidden])

  async function locate({ segments, asFolder }) {
    const path = await inside(join(root, ...segments))
    const status = path === null ? null : await stat(path)
    if (status?.isFile()) return asFolder ? null : cleanUrls && isPage(segments) ? 'page' : { path }
    if (status?.isDirectory()) {
      const index = await fileAt(join(path, 'index.html'))
      if (index !== null) return asFolder ? { path: index } : cleanUrls ? { path: index } : 'folder'
    }
    if (!cleanUrls || segments.length === 0) return null
    const page = await fileAt(join(root, ...segments.slice(0, -1), `${segments.at(-1)}.html`))
    return page === null ? null : { path: page }
  }

  async function fileAt(path) {
    const real = await inside(path)
    return real !== null && (await stat(real)).isFile() ? real : null
  }

  /** The real path, when links do not lead out of the folder or to a hidden file; else null. */
  async function inside(path) {
    let real
    try {
      real = await realpath(path)
    } catch (error) {
      if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'EACCES'].includes(error.code)) return null
      throw error
    }
    if (real === root) return real
    const prefix = root === sep ? sep : root + sep
    if (!real.startsWith(prefix)) return null
    const names = real.slice(prefix.length).split(sep)
    const isDotted = names.some((name, depth) => name.startsWith('.') && !(depth === 0 && name === '.well-known'))
    return isDotted || notForVisitors.has(names[0]) ? null : real
  }

  /** A file by its path from the root, slashes between: a setting's, which no visitor wrote. */
  locate.file = async (name) => {
    const path = await fileAt(join(root, ...name.split('/')))
    return path === null ? null : { path }
  }
  return locate
}

const isPage = (segments) => /\.html$/.test(segments.at(-1) ?? '')
