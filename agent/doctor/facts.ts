/** What there is to know of a machine that is to be a host. Null: it could not be seen. */
export type Facts = {
  /** ms since 1970. */
  now: number
  isRoot: boolean
  kernel: {
    release: string
    builtAt: number | null
    /** Settings it was built with, without `CONFIG_`; null when it does not tell. */
    settings: ReadonlyMap<string, string> | null
    filesystems: string[]
    maxUserNamespaces: number | null
    seccomp: boolean
    /** Loaded or built in. */
    modules: string[]
    /** Installed, and neither blacklisted nor loaded. */
    loadable: string[]
  }
  cgroup: {
    version: 'v1' | 'v2'
    controllers: string[]
    /** On the v2 side of a v1 hybrid, or in no mounted hierarchy. */
    stray: string[]
  }
  /** Versions of programs as they say them; null: not there. */
  programs: Record<ProgramName, string | null>
  redisEmbedded: boolean
  firewall: {
    /** Each `nft` of the machine and its version. */
    nft: { path: string; version: string }[]
    /** What `nft list ruleset` said when it failed; null: it works. */
    listing: string | null
    /** The policy of iptables' FORWARD chain, by the name of its table. */
    forwardPolicies: { where: string; policy: string }[]
  }
  /** As in /proc/sys, by their dotted names; null: not known to this kernel. */
  sysctls: Record<string, string | null>
  swapKb: number
  ksm: boolean
  smt: boolean | null
  conntrack: { count: number; max: number } | null
  nofileHard: number
  /** Effective capabilities, a bit each (capabilities(7)). */
  capabilities: bigint
  disks: {
    setting: string
    path: string
    freeBytes: number
    totalBytes: number
    freeInodes: number
    totalInodes: number
  }[]
  /** The first folder above BERTH_HOME that other users cannot pass through. */
  blockedPassage: { path: string; mode: number } | null
  clock: 'synchronised' | 'unsynchronised' | 'unknown'
  resolvers: string[]
  caBundle: { path: string; certificates: number | null }
  slots: { slot: number; home: string; homeExists: boolean; agentRuns: boolean }[]
  /** Homes with mounts that no slot owns. */
  strayMounts: string[]
}

export const programNames = [
  'crun',
  'conmon',
  'runc',
  'redis-server',
  'mkfs.erofs',
  'mksquashfs',
  'mmdebstrap',
  'mkfs.ext4',
  'ip',
  'unshare',
] as const
export type ProgramName = (typeof programNames)[number]
