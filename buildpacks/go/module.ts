/** go.mod as far as a build needs it (https://go.dev/ref/mod#go-mod-file). */
import { invalidFile } from '../contract.ts'

/** @property needs the lowest Go that the module takes, `major.minor`; null where it says nothing */
export type GoModule = { path: string; needs: { version: string; line: number } | null; toolchain: string | null }

/** The one of Debian 13. Go is compatible backwards, so it builds every older module. */
export const STACK_GO = '1.24'

/** @throws BuildFailure naming the line that is wrong */
export function parseModule(text: string): GoModule {
  let path: string | null = null
  let needs: GoModule['needs'] = null
  let toolchain: string | null = null
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const [directive, value = '', ...more] = raw
      .replace(/\/\/.*/, '')
      .trim()
      .split(/\s+/)
    if (directive === 'module') path = modulePath([value, ...more], index + 1)
    if (directive === 'go') needs = { version: goVersion(value, index + 1), line: index + 1 }
    if (directive === 'toolchain') toolchain = value
  }
  if (path === null)
    throw invalidFile('go.mod names no module. Make it with "go mod init example.com/app", commit it and push again.')
  return { path, needs, toolchain }
}

function modulePath(values: string[], line: number): string {
  const path = values
    .join(' ')
    .trim()
    .replace(/^["`]|["`]$/g, '')
  if (/^[\w.~/-]{1,300}$/.test(path)) return path
  throw invalidFile(`go.mod line ${line}: ${JSON.stringify(path.slice(0, 100))} is not a module's path.`)
}

function goVersion(value: string, line: number): string {
  const version = /^(\d{1,3}\.\d{1,4})(?:\.\d{1,4}|(?:rc|beta)\d{1,3})?$/.exec(value)?.[1]
  if (version !== undefined) return version
  throw invalidFile(
    `go.mod line ${line}: "go" is followed by a version such as ${STACK_GO}, got ${JSON.stringify(value.slice(0, 40))}.`,
  )
}

/**
 * A newer language than the stack's compiler knows cannot be compiled with it.
 * @throws BuildFailure naming the line, the version and the one that there is
 */
export function refuseNewerGo({ needs }: GoModule): void {
  if (needs === null || !isNewer(needs.version, STACK_GO)) return
  throw invalidFile(
    `go.mod line ${needs.line} asks for Go ${needs.version}; the stack has Go ${STACK_GO}. ` +
      `Write "go ${STACK_GO}" there, and if a dependency needs more, take an older version of it (go get NAME@VERSION, go mod tidy).`,
  )
}

/** A module's `toolchain` is a wish, which this Go may ignore as GOTOOLCHAIN=local does. @returns the warning, or null */
export function ignoredToolchain({ toolchain }: GoModule): string | null {
  const wished = /^go(\d+\.\d+)/.exec(toolchain ?? '')?.[1]
  if (wished === undefined || !isNewer(wished, STACK_GO)) return null
  return `go.mod wishes for the toolchain ${toolchain?.slice(0, 40)}; the stack's Go ${STACK_GO} is used, which the module allows.`
}

function isNewer(version: string, than: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [thanMajor = 0, thanMinor = 0] = than.split('.').map(Number)
  return major > thanMajor || (major === thanMajor && minor > thanMinor)
}
