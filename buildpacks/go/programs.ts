/** Which programs a Go module has, and which of them web runs. */
import type { Procfile } from '#core/domain/procfile.ts'
import { invalidFile } from '../contract.ts'
import { isOpen, withDefaultWeb } from '../processes.ts'

/** A package `main`. @property path its import path; its last part that is not a major version names the program */
export type Program = { path: string; name: string }

/** What `go list` is asked for: a line for each package main, nothing for the others. */
export const LIST_FORMAT = '{{if eq .Name "main"}}{{.ImportPath}}{{end}}'

/** @param listed what go list printed with LIST_FORMAT */
export const programsOf = (listed: string): Program[] =>
  listed
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((path) => ({ path, name: nameOf(path) }))

/** As `go build` names it: for example.com/app/v2 it is app. */
function nameOf(path: string): string {
  const parts = path.split('/')
  const last = parts.at(-1) ?? ''
  return /^v[2-9]\d*$/.test(last) && parts.length > 1 ? (parts.at(-2) ?? last) : last
}

/**
 * Those that are built: all of them.
 * @throws BuildFailure when there is none, or two would be one file
 */
export function checkedPrograms(programs: Program[]): Program[] {
  if (programs.length === 0)
    throw invalidFile(
      'This module has no package main, so there is nothing to run. Add one (func main in "package main") in the root or in cmd/NAME/ and push again.',
    )
  const twice = programs.find(({ name }, index) => programs.findIndex((other) => other.name === name) !== index)
  if (twice)
    throw invalidFile(
      `Two packages would both become the program bin/${twice.name}: ${programs
        .filter(({ name }) => name === twice.name)
        .map(({ path }) => path)
        .join(' and ')}. Rename one's folder, or name what to build in the config var GO_INSTALL_PACKAGE_SPEC.`,
    )
  return programs
}

/**
 * The Procfile's processes; and for web, where it names none, the only program, or the one that is called web.
 * @throws BuildFailure when several could be it
 */
export function goProcesses(procfile: Procfile | null, programs: Program[]): Procfile {
  if (procfile && !isOpen(procfile)) return procfile
  const only = programs.length === 1 ? programs[0] : programs.find(({ name }) => name === 'web')
  if (only) return withDefaultWeb(procfile, `bin/${only.name}`)
  throw invalidFile(
    `This module has several programs: ${programs
      .slice(0, 20)
      .map(({ name }) => name)
      .join(', ')}. Say which one is web in a Procfile, such as "web: bin/${programs[0]?.name ?? 'NAME'}".`,
  )
}
