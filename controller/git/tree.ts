/**
 * ◆ What a commit's tree may hold, judged entry by entry as `git ls-tree -r -l -z` tells it, so that a tree that unfolds into
 * billions of files (a "git bomb") is refused before anything unfolds it.
 */

export type TreeLimits = { files: number; bytes: number; depth: number; pathBytes: number }

export type Tree = {
  files: number
  bytes: number
  /** Paths of submodules: folders whose content is in another repository. */
  submodules: string[]
  /** Blobs that are as short as a Git LFS pointer: path by object. */
  small: Map<string, string>
  hasAttributes: boolean
}

export type TreeJudge = {
  tree: Tree
  /** @param entry `MODE TYPE OBJECT SIZE<TAB>PATH`. @returns why the tree is refused, or null */
  take(entry: Buffer): string | null
}

/** A pointer is three short lines, with a few more where extensions are in use (git-lfs, docs/spec.md). */
const POINTER_BYTES = { least: 100, most: 400 }
const MAX_SMALL = 5_000

export function judgeTree(limits: TreeLimits): TreeJudge {
  const tree: Tree = { files: 0, bytes: 0, submodules: [], small: new Map(), hasAttributes: false }
  return {
    tree,
    take(entry) {
      const at = entry.indexOf('\t')
      const [mode, , object = '', size = '-'] = entry.toString('latin1', 0, at).split(/ +/)
      const path = entry.toString('latin1', at + 1)
      const shown = () => JSON.stringify(entry.toString('utf8', at + 1, at + 1 + 100))
      tree.files++
      if (tree.files > limits.files)
        return `This commit holds more than ${limits.files} files. Leave out what is not needed to run, such as dependencies that the build installs.`
      if (path.length > limits.pathBytes) return `The path ${shown()}… is longer than ${limits.pathBytes} bytes.`
      if (path.split('/').length > limits.depth)
        return `The path ${shown()}… lies more than ${limits.depth} folders deep.`
      if (mode === '160000') tree.submodules.push(entry.toString('utf8', at + 1))
      const bytes = size === '-' ? 0 : Number(size)
      tree.bytes += bytes
      if (tree.bytes > limits.bytes)
        return `This commit's files are longer than ${Math.round(limits.bytes / 1024 ** 2)} MB together; ${shown()} alone has ${bytes} bytes. Keep large files in a bucket or on a volume.`
      if (path === '.gitattributes' || path.endsWith('/.gitattributes')) tree.hasAttributes = true
      if (
        bytes >= POINTER_BYTES.least &&
        bytes <= POINTER_BYTES.most &&
        mode !== '120000' &&
        tree.small.size < MAX_SMALL
      )
        tree.small.set(object, entry.toString('utf8', at + 1))
      return null
    },
  }
}

/** Whether a file's content stands for another (git-lfs, docs/spec.md, "The Pointer"). */
export const isPointer = (content: string): boolean =>
  /^version https:\/\/git-lfs\.github\.com\/spec\/v1\n/.test(content) && /^oid sha256:[0-9a-f]{64}$/m.test(content)

const NAMED = 5

/** Lines for the pusher, of what was pushed but is not what it seems. */
export function warnings(submodules: string[], pointers: string[]): string[] {
  return [
    ...(submodules.length === 0
      ? []
      : [
          ` !     ${list(submodules)} ${submodules.length === 1 ? 'is a submodule' : 'are submodules'}: other repositories, whose files are not in this push. The app gets empty folders.`,
          ' !     Commit the files themselves, or fetch them in a build script.',
        ]),
    ...(pointers.length === 0
      ? []
      : [
          ` !     ${list(pointers)} ${pointers.length === 1 ? 'is a Git LFS pointer' : 'are Git LFS pointers'}: the content is not in this push. The app gets the pointer, a text of three lines.`,
          ' !     Commit the files themselves (git lfs untrack), or fetch them in a build script (git lfs pull).',
        ]),
  ]
}

const list = (paths: string[]): string =>
  paths
    .slice(0, NAMED)
    .map((path) => (/^[\w./@+-]{1,100}$/.test(path) ? path : JSON.stringify(path.slice(0, 100))))
    .join(', ') + (paths.length > NAMED ? ` and ${paths.length - NAMED} more` : '')
