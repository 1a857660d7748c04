/**
 * ◆ Where git runs: it parses what strangers send, in C, so it gets one repository, the hooks, the programs of the machine
 * read-only, and nothing else. No network, no other processes, no other repository, no rights, and limits on all that it
 * takes. Bubblewrap makes the namespaces, and prlimit sets the limits that every child inherits.
 */

export type GitPlace = {
  /** The repository's folder on this machine. */
  repository: string
  /** The folder of our hooks on this machine. */
  hooks: string
}

/** Who git runs as; null without root, when there is nobody else to be. */
export type GitUser = { uid: number; gid: number } | null

/** Each process: 1 GiB of address space, 15 minutes of CPU time; all of git's together: 1024 processes. */
const MEMORY_BYTES = 1024 ** 3
const CPU_SECONDS = 15 * 60
const OPEN_FILES = 512
const PROCESSES = 1024

/** As git sees them. */
const inside: GitPlace = { repository: '/repository', hooks: '/hooks' }

/** The paths to tell git, which differ from the machine's where it has a sandbox. */
export const placeSeen = (place: GitPlace, isSandboxed: boolean): GitPlace => (isSandboxed ? inside : place)

export type GitCommand = {
  argv: [string, ...string[]]
  place: GitPlace
  user: GitUser
  isSandboxed: boolean
  /** The longest file that may be written, in bytes. */
  fileBytes: number
}

/** The whole command line. The command itself must not be a tenant's: only its arguments are checked by git. */
export function confined({ argv, place, user, isSandboxed, fileBytes }: GitCommand): [string, ...string[]] {
  return [
    // When memory runs out it is a push that ends, and not an app.
    ...(['choom', '-n', '1000', '--'] as const),
    ...limits(fileBytes),
    ...(isSandboxed ? namespaces(place, user) : []),
    ...(user === null ? [] : asUser(user)),
    ...argv,
  ]
}

const limits = (fileBytes: number): string[] => [
  'prlimit',
  `--as=${MEMORY_BYTES}`,
  `--cpu=${CPU_SECONDS}`,
  `--fsize=${fileBytes}`,
  `--nofile=${OPEN_FILES}`,
  `--nproc=${PROCESSES}`,
  '--core=0',
  '--',
]

const namespaces = (place: GitPlace, user: GitUser): string[] => [
  'bwrap',
  '--die-with-parent',
  '--unshare-net',
  '--unshare-pid',
  '--unshare-ipc',
  '--unshare-uts',
  '--unshare-cgroup-try',
  '--cap-drop',
  'ALL',
  // To become git's user, which has none of them.
  ...(user === null ? [] : ['--cap-add', 'CAP_SETUID', '--cap-add', 'CAP_SETGID']),
  '--ro-bind',
  '/usr',
  '/usr',
  ...['bin', 'lib', 'lib64'].flatMap((name) => ['--symlink', `usr/${name}`, `/${name}`]),
  '--dev',
  '/dev',
  '--ro-bind',
  place.hooks,
  inside.hooks,
  '--bind',
  place.repository,
  inside.repository,
  '--chdir',
  '/',
  '--',
]

const asUser = ({ uid, gid }: { uid: number; gid: number }): string[] => [
  'setpriv',
  `--reuid=${uid}`,
  `--regid=${gid}`,
  '--clear-groups',
  '--no-new-privs',
]
