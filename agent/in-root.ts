/** $0 is the root, which a mount of its own makes fit to pivot to; what follows is the program. */
const ENTER =
  'mount --bind "$0" "$0" && cd "$0" && mount -t proc proc proc && pivot_root . . && umount --lazy . && exec chroot . "$@"'

/**
 * A program in another system's root, in namespaces of its own, which end with it, and it with them. The host's other mounts
 * are let go of at once: as long as a copy of one is kept anywhere, its loop device stays.
 * @param root a folder or a mount, with an empty folder `proc`
 */
export const inRoot = (root: string, ...argv: string[]): [string, ...string[]] => [
  'unshare',
  '--mount',
  '--propagation=private',
  '--pid',
  '--fork',
  '--kill-child',
  '/bin/sh',
  '-c',
  ENTER,
  root,
  ...argv,
]
