/**
 * How git runs here: as a user of its own that owns nothing but the repositories, with no configuration but ours. All
 * settings travel in the environment of each call, where nothing that was pushed can override them.
 */
import { execFile } from 'node:child_process'

/** The user id below the first app's range; root gives up its rights to it before git starts. */
export const GIT_UID = 0x0fffffff

/** For spawn: who git runs as. Without root there is nobody else to be. */
export const asGitUser: { uid?: number; gid?: number } = process.getuid?.() === 0 ? { uid: GIT_UID, gid: GIT_UID } : {}

export const MAX_PUSH_MB = 512

/** @param hooks the folder of our hooks, which git's user cannot write to */
export function gitSettings(hooks: string): Record<string, string> {
  return {
    'core.hooksPath': hooks,
    // What is pushed is checked before anything reads it, and is gone again when the push is refused.
    'receive.fsckObjects': 'true',
    'receive.maxInputSize': `${MAX_PUSH_MB}m`,
    'receive.denyDeletes': 'true',
    'receive.autogc': 'false',
    'http.receivepack': 'true',
    'http.uploadpack': 'true',
    // No files of a repository by their path (the "dumb" protocol).
    'http.getanyfile': 'false',
    'safe.bareRepository': 'explicit',
    'protocol.allow': 'never',
    // One push must not take all of the machine.
    'core.bigFileThreshold': '16m',
    'pack.threads': '1',
    'pack.windowMemory': '64m',
    'pack.deltaCacheSize': '32m',
  }
}

/** The whole environment of a git process, besides what one call adds. */
export function gitEnvironment(hooks: string): Record<string, string> {
  const settings = Object.entries(gitSettings(hooks))
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    HOME: '/nonexistent',
    LC_ALL: 'C.UTF-8',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_COUNT: String(settings.length),
    ...Object.fromEntries(
      settings.flatMap(([name, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, name],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ),
  }
}

/**
 * Runs a short git command to its end.
 * @returns what it wrote, without the last line end
 * @throws an Error with what git said
 */
export function runGit(args: string[], env: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      'git',
      args,
      { ...asGitUser, env, cwd: '/', timeout: 60_000, encoding: 'utf8' },
      (error, stdout, stderr) => {
        if (!error) return resolve(stdout.replace(/\n$/, ''))
        reject(new Error(`git ${args.join(' ')}: ${stderr.trim() || error.message}`, { cause: error }))
      },
    )
  })
}
