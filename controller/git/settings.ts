/**
 * How git is set up here: as a user of its own that owns nothing but the repositories, with no configuration but ours. All
 * settings travel in the environment of each call, where nothing that was pushed can override them.
 */
import type { GitUser } from './sandbox.ts'

/** The user id below the first app's range; root gives up its rights to it before git starts. */
export const GIT_UID = 0x0fffffff

/** Without root there is nobody else to be. */
export const gitUser: GitUser = process.getuid?.() === 0 ? { uid: GIT_UID, gid: GIT_UID } : null

/**
 * @param hooks the folder of our hooks, which git's user cannot write to
 * @param maxPushBytes the most that one push may bring
 */
export function gitSettings(hooks: string, maxPushBytes: number): Record<string, string> {
  return {
    'core.hooksPath': hooks,
    // What is pushed is checked before anything reads it, and is gone again when the push is refused.
    'receive.fsckObjects': 'true',
    // What old versions of common tools wrote, so what the histories of real projects hold. It harms nothing.
    'receive.fsck.badTimezone': 'ignore',
    'receive.fsck.missingSpaceBeforeDate': 'ignore',
    'receive.fsck.zeroPaddedFilemode': 'ignore',
    'receive.maxInputSize': String(maxPushBytes),
    // A push is one file, whatever it holds, and what is too large is refused with the figure.
    'transfer.unpackLimit': '1',
    // Which refs may be changed is policy.ts's to say, in a sentence.
    'receive.denyDeletes': 'false',
    'receive.denyDeleteCurrent': 'ignore',
    // CI systems clone without history, and what is deployed is a commit's files.
    'receive.shallowUpdate': 'true',
    'receive.autogc': 'false',
    'http.receivepack': 'true',
    'http.uploadpack': 'true',
    // No files of a repository by their path (the "dumb" protocol).
    'http.getanyfile': 'false',
    'safe.bareRepository': 'explicit',
    'protocol.allow': 'never',
    // One push must not take all of the machine, and maps of packs must fit into the address space that it has.
    'core.bigFileThreshold': '16m',
    'core.packedGitWindowSize': '32m',
    'core.packedGitLimit': '256m',
    'pack.threads': '1',
    'pack.windowMemory': '64m',
    'pack.deltaCacheSize': '32m',
  }
}

/** The whole environment of a git process, besides what one call adds. */
export function gitEnvironment(settings: Record<string, string>): Record<string, string> {
  const pairs = Object.entries(settings)
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    HOME: '/nonexistent',
    LC_ALL: 'C.UTF-8',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    // Who moves a ref, as far as git is concerned.
    GIT_COMMITTER_NAME: 'berth',
    GIT_COMMITTER_EMAIL: 'git@berth.invalid',
    GIT_CONFIG_COUNT: String(pairs.length),
    ...Object.fromEntries(
      pairs.flatMap(([name, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, name],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ),
  }
}
