/** What the CLI does with git: read and write remotes, and make git ask the CLI for the password. */
import { execFile } from 'node:child_process'
import type { Remotes } from './app-choice.ts'
import { failed } from './failures.ts'

/** @returns false outside a work tree, and where git is not installed */
export async function isRepository(cwd: string): Promise<boolean> {
  const { code, stdout } = await git(cwd, ['rev-parse', '--is-inside-work-tree'])
  return code === 0 && stdout.trim() === 'true'
}

/** Whatever a person's own settings call the first branch, here it is `main`, which deploys. */
export const initRepository = (cwd: string): Promise<void> => must(cwd, ['init', '--quiet', '--initial-branch=main'])

/** Whether git leaves a file out (git-check-ignore(1)). */
export const isIgnored = async (cwd: string, path: string): Promise<boolean> =>
  (await git(cwd, ['check-ignore', '--quiet', '--', path])).code === 0

/** The remotes of the repository around `cwd`; none outside of one. */
export async function readRemotes(cwd: string): Promise<Remotes> {
  const { code, stdout } = await git(cwd, ['config', '--null', '--get-regexp', '^remote\\..*\\.url$'])
  return code === 0 ? parseRemotes(stdout) : {}
}

/** Reads `remote.NAME.url LF URL NUL …`, the form of `git config --null --get-regexp`. A remote's first URL counts. */
export function parseRemotes(output: string): Remotes {
  const remotes: Remotes = {}
  for (const entry of output.split('\0')) {
    const match = /^remote\.(.+)\.url\n(.*)$/s.exec(entry)
    if (match) remotes[match[1] ?? ''] ??= match[2] ?? ''
  }
  return remotes
}

/** Adds the remote, or points an existing one to the URL, and sets up its password. */
export async function writeRemote(cwd: string, name: string, gitUrl: string, launcher: string): Promise<void> {
  await setRemote(cwd, name, gitUrl)
  for (const args of credentialSettings(gitUrl, launcher)) await must(cwd, args)
}

/** Adds the remote, or points an existing one to the URL. */
export async function setRemote(cwd: string, name: string, url: string): Promise<void> {
  const known = (await readRemotes(cwd))[name] !== undefined
  await must(cwd, known ? ['remote', 'set-url', '--', name, url] : ['remote', 'add', '--', name, url])
}

/** Git over SSH is where the API is, on a port of its own. */
export const sshUrl = (apiUrl: string, port: number, app: string): string =>
  `ssh://git@${new URL(apiUrl).hostname}:${port}/${app}.git`

/**
 * The `git config` calls that make git ask this CLI for the password at the remote's origin, for this repository.
 * The empty first helper ends the list of the user's other helpers, which would store the token elsewhere.
 */
export function credentialSettings(gitUrl: string, launcher: string): string[][] {
  const section = `credential.${new URL(gitUrl).origin}`
  return [
    ['config', '--local', '--replace-all', `${section}.helper`, ''],
    ['config', '--local', '--add', `${section}.helper`, `!${quoteForShell(launcher)} git:credentials`],
    ['config', '--local', '--replace-all', `${section}.useHttpPath`, 'false'],
  ]
}

/** Git hands a helper that starts with `!` to a shell; in single quotes nothing but the single quote is special. */
export const quoteForShell = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** Git's question to a credential helper: `key=value` lines up to a blank line (git-credential(1), INPUT/OUTPUT FORMAT). */
export function parseCredentialQuestion(text: string): Record<string, string> {
  const question: Record<string, string> = {}
  for (const line of text.split('\n')) {
    if (line === '') break
    const at = line.indexOf('=')
    if (at > 0) question[line.slice(0, at)] = line.slice(at + 1)
  }
  return question
}

/** Whether the question is about the API itself: same scheme, host and port. */
export function asksForApi(question: Record<string, string>, apiUrl: string): boolean {
  const { protocol, host } = new URL(apiUrl)
  return question['protocol'] === protocol.slice(0, -1) && question['host'] === host
}

type Ran = { code: number; stdout: string; stderr: string }

function git(cwd: string, args: string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile('git', args, { cwd, encoding: 'utf8', timeout: 30_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 127
      resolve({ code, stdout, stderr: stderr || (error?.message ?? '') })
    })
  })
}

async function must(cwd: string, args: string[]): Promise<void> {
  const { code, stderr } = await git(cwd, args)
  if (code !== 0) throw failed(`git ${args[0]} failed: ${stderr.trim()}`)
}
