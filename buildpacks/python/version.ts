/** Which Python an app asks for, and which one the stack has. */
import { spawnSync } from 'node:child_process'
import { BuildFailure, exitCodes, invalidFile, type AppFolder } from '../contract.ts'
import { KIB } from '../folder.ts'

export type AskedVersion = { file: string; asked: string; range: string; patch: boolean }

/**
 * `.python-version` (pyenv, uv), else `runtime.txt` (Heroku). A patch is no reason to refuse: the stack's moves with
 * security fixes.
 * @throws BuildFailure when the file says something else than a version
 */
export async function readVersion(app: AppFolder): Promise<AskedVersion | null> {
  for (const file of ['.python-version', 'runtime.txt']) {
    const text = await app.read(file, KIB)
    const asked = text
      ?.split(/\r?\n/)
      .map((line) => line.replace(/#.*/, '').trim())
      .find((line) => line !== '')
    if (asked) return parseVersion(file, asked)
  }
  return null
}

export function parseVersion(file: string, text: string): AskedVersion {
  const asked = text.replace(/^(?:c?python-|==)/i, '')
  const [, line, patch] = /^(3(?:\.\d{1,3})?)(\.(?:\d{1,3}|[*x]))?$/.exec(asked) ?? []
  if (line === undefined)
    throw invalidFile(
      `${file} asks for ${JSON.stringify(text.slice(0, 60))}, which is no version of Python 3. Write one such as 3.13.`,
    )
  return { file, asked, range: line, patch: patch !== undefined && /\d/.test(patch) }
}

/** @throws BuildFailure when the stack has no Python */
export function stackVersion(env: NodeJS.ProcessEnv): string {
  const { stdout, error } = spawnSync('/usr/bin/python3', ['-I', '--version'], {
    env,
    encoding: 'utf8',
    timeout: 10_000,
  })
  const version = /^Python (\d+\.\d+\.\d+)/.exec(stdout ?? '')?.[1]
  if (version === undefined)
    throw new BuildFailure(exitCodes.failedStep, 'This stack has no python3. Ask the operator for one that has.', {
      cause: error,
    })
  return version
}
