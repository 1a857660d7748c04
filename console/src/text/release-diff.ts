/** What is different between two releases: of their code, processes and config. Values are never known here. */
import type { ReleaseView } from '../../../core/contract/api.ts'
import { shortCommit } from './format.ts'

export type DiffLine = { kind: 'same' | 'added' | 'removed'; text: string }
export type DiffPart = { title: string; lines: DiffLine[] }

/** @returns the parts that differ; none: a release of the same */
export function diffReleases(before: ReleaseView, after: ReleaseView): DiffPart[] {
  const parts: DiffPart[] = [
    { title: 'Code', lines: diffLists(codeOf(before), codeOf(after)) },
    { title: 'Processes', lines: diffLists(processesOf(before), processesOf(after)) },
    { title: 'Config vars (names)', lines: diffLists(before.configNames, after.configNames) },
  ]
  return parts.filter(({ lines }) => lines.some(({ kind }) => kind !== 'same'))
}

const codeOf = ({ commit, buildpack, runtimes }: ReleaseView): string[] => [
  ...(commit === null ? [] : [`commit ${shortCommit(commit)}`]),
  ...(buildpack === null ? [] : [`buildpack ${buildpack}`]),
  ...runtimes.map(({ name, version }) => `${name} ${version}`),
]

const processesOf = ({ processes }: ReleaseView): string[] =>
  Object.entries(processes).map(([type, command]) => `${type}: ${command}`)

/** Where something took another's place, what is gone stands before what came. */
function diffLists(before: string[], after: string[]): DiffLine[] {
  const lines: DiffLine[] = []
  const keyOf = (text: string): string => /^[^\s:]+/.exec(text)?.[0] ?? text
  const left = before.filter((text) => !after.includes(text))
  for (const text of after) {
    const replaced = before.includes(text) ? undefined : left.find((other) => keyOf(other) === keyOf(text))
    if (replaced !== undefined) {
      lines.push({ kind: 'removed', text: replaced })
      left.splice(left.indexOf(replaced), 1)
    }
    lines.push({ kind: before.includes(text) ? 'same' : 'added', text })
  }
  return [...lines, ...left.map((text): DiffLine => ({ kind: 'removed', text }))]
}
