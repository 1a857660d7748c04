/**
 * Buildpacks that the operator offers to all apps by name: folders BERTH_HOME/buildpacks/NAME, each plain or a git
 * repository, of which then a commit is used. They go to builds as tar archives.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Transform, type Readable } from 'node:stream'
import { isOfferedName } from '#core/domain/buildpack.ts'
import { run } from '#core/runtime/process.ts'

export type OfferedBuildpacks = {
  names(): Promise<string[]>
  /**
   * A tar archive of it.
   * @param ref of a git repository: a branch, a tag or a commit; null: what HEAD is
   * @returns null when there is none of that name, or no such ref
   */
  archive(name: string, ref: string | null): Promise<Readable | null>
}

const MAX_BYTES = 64 * 1024 * 1024

/** @param home BERTH_HOME */
export function openOfferedBuildpacks(home: string): OfferedBuildpacks {
  const folder = join(home, 'buildpacks')
  const isThere = async (name: string) =>
    isOfferedName(name) && ((await stat(join(folder, name)).catch(() => null))?.isDirectory() ?? false)
  return {
    async names() {
      const names = (await readdir(folder).catch(() => [])).sort()
      const there = await Promise.all(names.map(isThere))
      return names.filter((_, index) => there[index])
    },
    async archive(name, ref) {
      if (!(await isThere(name))) return null
      const path = join(folder, name)
      const repository = repositoryIn(path)
      if (repository === null) return ref === null ? streamOf(plainCommand(path)) : null
      const commit = await commitOf(repository, ref ?? 'HEAD')
      return commit === null ? null : streamOf(gitCommand(repository, ['archive', '--format=tar', commit]))
    },
  }
}

/** The folder that is git's: below a working tree, or the folder itself when it is bare. */
function repositoryIn(path: string): string | null {
  if (existsSync(join(path, '.git'))) return join(path, '.git')
  return ['HEAD', 'objects', 'refs'].every((name) => existsSync(join(path, name))) ? path : null
}

/** The operator may keep it as another user than the one that we are. */
export const gitCommand = (repository: string, args: string[]): [string, ...string[]] => [
  'git',
  '-c',
  'safe.directory=*',
  `--git-dir=${repository}`,
  ...args,
]

export const plainCommand = (path: string): [string, ...string[]] => [
  'tar',
  '-c',
  '--sort=name',
  '--owner=0',
  '--group=0',
  '--exclude-vcs',
  '-C',
  path,
  '.',
]

async function commitOf(repository: string, ref: string): Promise<string | null> {
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`]
  const found = await run(gitCommand(repository, args)).catch(() => null)
  return found?.stdout.trim() ?? null
}

/** What a program writes; cut off with an error when it fails or writes too much, so that nobody takes a part for the whole. */
function streamOf([program, ...args]: readonly [string, ...string[]]): Readable {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  let bytes = 0
  const checked = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      done(bytes > MAX_BYTES ? new Error(`a buildpack is larger than ${MAX_BYTES} bytes`) : null, chunk)
    },
  })
  child.stdout.pipe(checked, { end: false })
  child.once('error', (error) => checked.destroy(error))
  child.once('close', (code) => {
    if (code === 0) checked.end()
    else checked.destroy(new Error(`${program} ended with code ${code}`))
  })
  checked.once('close', () => child.kill('SIGKILL'))
  return checked
}
