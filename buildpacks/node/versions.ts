/** ◆ The range of Node versions that an app asks for. */
import { invalidFile } from '../contract.ts'
import type { NodeApp } from './app.ts'

/** The long-term support line of today: what an app gets that asks for nothing. */
export const DEFAULT_NODE = '24.x'

const ltsLines: Record<string, string> = { hydrogen: '18', iron: '20', jod: '22', krypton: '24' }

/**
 * The app's own wish before its workspace's; and why, for the pusher.
 * @throws BuildFailure when what it asks for cannot be a range
 */
export function nodeVersion({ package: own, root, versionFile }: Pick<NodeApp, 'package' | 'root' | 'versionFile'>) {
  const range = own.engines.get('node') ?? root.engines.get('node')
  if (range !== undefined)
    return checkedRange('engines.node in package.json', range, `package.json asks for ${range} in engines.node`)
  const asked = versionFile?.text
    .split(/\r?\n/)
    .map((line) => line.replace(/#.*/, '').trim())
    .find((line) => line !== '')
  if (versionFile && asked)
    return checkedRange(versionFile.name, rangeOf(asked), `${versionFile.name} asks for ${asked}`)
  return {
    range: DEFAULT_NODE,
    reason: 'the current long-term support line; set engines.node in package.json to choose another',
  }
}

function rangeOf(asked: string): string {
  const lts = /^lts\/(.+)$/.exec(asked)?.[1]?.toLowerCase()
  if (lts === '*') return DEFAULT_NODE
  if (lts !== undefined) return ltsLines[lts] ?? asked
  if (['node', 'stable', 'latest', 'current'].includes(asked)) return '*'
  return asked.replace(/^v(?=\d)/, '')
}

/** @param source where it stands, for the sentence */
export function checkedRange(source: string, range: string, reason: string): { range: string; reason: string } {
  if (!/^[\w.*+\-<>=|~^ ]{1,100}$/.test(range))
    throw invalidFile(
      `${source} must be a range of versions such as "24.x" or ">=22 <25", got ${JSON.stringify(range.slice(0, 100))}.`,
    )
  return { range, reason }
}
