/** What the facts of a machine mean for tenants' safety and for Berth's work. Each check is a function of the facts alone. */
import type { Finding } from '#core/contract/doctor.ts'
import { atLeast } from './versions.ts'
import type { Facts, ProgramName } from './facts.ts'
import { sysctlFindings } from './sysctls.ts'

type Check = (facts: Facts) => Finding | Finding[]

export const diagnose = (facts: Facts): Finding[] => checks.flatMap((check) => check(facts))

export const ok = (check: string, found: string): Finding => ({ check, verdict: 'ok', found, why: '', remedy: null })
export const advice = (check: string, found: string, why: string, remedy: string | null): Finding => ({
  check,
  verdict: 'advice',
  found,
  why,
  remedy,
})
export const problem = (check: string, found: string, why: string, remedy: string | null): Finding => ({
  check,
  verdict: 'problem',
  found,
  why,
  remedy,
})

const DAY_MS = 86_400_000
const KERNEL_MAX_DAYS = 90

function root({ isRoot }: Facts): Finding {
  return isRoot
    ? ok('user', 'root')
    : problem(
        'user',
        'not root',
        'An agent makes mounts, namespaces and cgroups; and some checks below see less.',
        'sudo berth doctor',
      )
}

function kernelAge({ kernel, now }: Facts): Finding {
  const { release, builtAt } = kernel
  const why = 'Apps share the kernel, so its holes are theirs; several that give root were published in 2026 alone.'
  const remedy = 'apt-get update && apt-get install --only-upgrade linux-image-amd64, then reboot (or patch live)'
  if (builtAt === null)
    return advice(
      'kernel age',
      `${release}, which does not tell when it was built`,
      why,
      'See with its vendor that it is current',
    )
  const days = Math.floor((now - builtAt) / DAY_MS)
  return days <= KERNEL_MAX_DAYS
    ? ok('kernel age', `${release}, built ${days} days ago`)
    : advice('kernel age', `${release}, built ${days} days ago`, why, remedy)
}

function userNamespaces({ kernel }: Facts): Finding {
  const { maxUserNamespaces } = kernel
  if (maxUserNamespaces !== null && maxUserNamespaces > 0) return ok('user namespaces', `up to ${maxUserNamespaces}`)
  return problem(
    'user namespaces',
    maxUserNamespaces === null ? 'not in this kernel' : 'switched off',
    'Root of a sandbox must be an ordinary user of the host.',
    maxUserNamespaces === null ? 'Use a kernel with CONFIG_USER_NS=y' : 'sysctl -w user.max_user_namespaces=100000',
  )
}

function filesystems({ kernel }: Facts): Finding[] {
  const wanted = {
    overlay: 'layers of a slug lie over each other',
    erofs: 'slugs are its images',
    squashfs: 'stacks and runtimes are its images',
    ext4: 'scratch space is limited by its images',
  }
  return Object.entries(wanted).map(([name, why]) => {
    const there = kernel.filesystems.includes(name) || kernel.loadable.includes(name) || kernel.modules.includes(name)
    return there
      ? ok(`file system ${name}`, 'there')
      : problem(`file system ${name}`, 'not in this kernel', `Without it nothing starts: ${why}.`, `modprobe ${name}`)
  })
}

function kernelSettings({ kernel }: Facts): Finding[] {
  const wanted: [setting: string, what: string, why: string][] = [
    ['EROFS_FS_ZIP', 'EROFS with lz4', 'Slugs are packed with it.'],
    ['SQUASHFS_ZSTD', 'squashfs with zstd', 'Stacks and runtimes are packed with it.'],
    ['NF_TABLES', 'nf_tables', 'It keeps sandboxes from each other and from the host.'],
    ['VETH', 'veth', 'Each sandbox has a pair of these links as its network.'],
  ]
  return wanted.map(([setting, what, why]) => {
    if (kernel.settings === null) return ok(what, 'the kernel does not tell its settings; sandboxes will show')
    const value = kernel.settings.get(setting)
    if (value === 'y' || value === 'm') return ok(what, value === 'y' ? 'built in' : 'as a module')
    return problem(what, `CONFIG_${setting} is not set`, why, `Use a kernel with CONFIG_${setting}`)
  })
}

function seccomp({ kernel }: Facts): Finding {
  return kernel.seccomp
    ? ok('seccomp', 'with filters')
    : problem(
        'seccomp',
        'not in this kernel',
        'System calls of tenants could not be filtered.',
        'Use a kernel with CONFIG_SECCOMP_FILTER=y',
      )
}

function cgroups({ cgroup }: Facts): Finding[] {
  const { version, controllers, stray } = cgroup
  const missing = ['cpu', 'memory', 'pids', ...(version === 'v2' ? ['io'] : ['cpuacct', 'freezer', 'devices'])].filter(
    (name) => !controllers.includes(name),
  )
  const mode =
    version === 'v2'
      ? ok('cgroup mode', 'v2')
      : advice(
          'cgroup mode',
          'v1',
          'Only v2 counts written-back pages against the tenant, kills a group at once and gives fair shares of disks; runtimes drop v1.',
          'Add systemd.unified_cgroup_hierarchy=1 to the kernel command line (GRUB_CMDLINE_LINUX), update-grub, reboot',
        )
  const there =
    missing.length === 0
      ? ok('cgroup controllers', controllers.join(' '))
      : problem(
          'cgroup controllers',
          `without ${missing.join(', ')}`,
          'Limits that are not enforced are no limits.',
          version === 'v2'
            ? `echo '${missing.map((name) => `+${name}`).join(' ')}' > /sys/fs/cgroup/cgroup.subtree_control`
            : 'Boot without cgroup_disable= on the kernel command line',
        )
  const strays =
    stray.length === 0
      ? []
      : [
          advice(
            'stray cgroup controllers',
            stray.join(' '),
            'crun refuses a v1 hybrid whose v2 side still owns controllers. The agent mounts them for itself while it runs.',
            'apt-get install cgroupfs-mount, or boot with cgroup v2',
          ),
        ]
  return [mode, there, ...strays]
}

const needed: [ProgramName, string, string][] = [
  ['conmon', 'It holds a sandbox while the agent restarts.', 'apt-get install conmon'],
  ['mkfs.erofs', 'It packs slugs.', 'apt-get install erofs-utils'],
  ['mksquashfs', 'It packs stacks and runtimes.', 'apt-get install squashfs-tools'],
  ['mmdebstrap', 'It makes the first stack image.', 'apt-get install mmdebstrap'],
  ['mkfs.ext4', 'It makes scratch images.', 'apt-get install e2fsprogs'],
  ['ip', 'It makes links.', 'apt-get install iproute2'],
  ['unshare', 'Stacks are brought up to date in it.', 'apt-get install util-linux'],
]

function programs({ programs: found }: Facts): Finding[] {
  return needed.map(([name, why, remedy]) => {
    const version = found[name]
    return version === null ? problem(name, 'not there', why, remedy) : ok(name, version)
  })
}

/** From crun's NEWS and its security advisories; the first version that has the fix. */
const crunFixes: [version: string, what: string][] = [
  ['1.25.1', 'hardened handling of /proc'],
  ['1.27', 'CVE-2026-30892 (exec as the wrong user; Berth does not use exec)'],
  ['1.28', "CVE-2026-47766 (a root's own /dev link leads out of it; Berth's root is the platform's stack image)"],
]

function crun({ programs: { crun: version } }: Facts): Finding {
  const remedy = 'Install 1.29.1 or newer: https://github.com/containers/crun/releases'
  if (version === null) return problem('crun', 'not there', 'It starts every sandbox.', 'apt-get install crun')
  if (version === '1.29')
    return advice('crun', version, '1.29 gives tmpfs and /proc wrong modes; repaired in 1.29.1.', remedy)
  const lacking = crunFixes
    .filter(([fixed]) => !atLeast(version, fixed))
    .map(([fixed, what]) => `${what}, fixed in ${fixed}`)
  return lacking.length === 0 ? ok('crun', version) : advice('crun', version, `Lacks: ${lacking.join('; ')}.`, remedy)
}

/** CVE-2025-31133, -52565 and -52881 (masked paths and /dev/console races) are fixed in 1.2.8, 1.3.3 and 1.4. */
const runcFixed = (version: string): boolean =>
  atLeast(version, '1.3.3') || (version.startsWith('1.2.') && atLeast(version, '1.2.8'))

function runc({ programs: { runc: version } }: Facts): Finding[] {
  if (version === null) return []
  return [
    runcFixed(version)
      ? ok('runc', version)
      : advice(
          'runc',
          version,
          'Lacks the fixes of CVE-2025-31133, CVE-2025-52565 and CVE-2025-52881 (ways out of a container). Berth uses crun unless told otherwise.',
          'apt-get install --only-upgrade runc (1.2.8, 1.3.3 or newer), or remove it',
        ),
  ]
}

function redis({ programs: { 'redis-server': version }, redisEmbedded }: Facts): Finding {
  if (version === null)
    return redisEmbedded
      ? problem(
          'Redis',
          'not there',
          'Berth keeps its state in it.',
          'apt-get install redis-server, or set BERTH_REDIS_URL',
        )
      : ok('Redis', 'elsewhere, by BERTH_REDIS_URL')
  return atLeast(version, '7.2')
    ? ok('Redis', version)
    : advice(
        'Redis',
        version,
        'Before 7.2 there is no WAITAOF: what was accepted in the last second may be lost with the power.',
        'Install Redis 7.2 or newer (packages.redis.io)',
      )
}

function nft({ firewall: { nft: found, listing } }: Facts): Finding[] {
  const versions = new Set(found.map(({ version }) => version))
  const described = found.map(({ path, version }) => `${path} ${version}`).join(', ')
  const present =
    found.length === 0
      ? problem('nft', 'not there', 'It keeps sandboxes from each other and from the host.', 'apt-get install nftables')
      : versions.size > 1
        ? advice(
            'nft',
            described,
            'An older one cannot read tables that a newer one wrote, and may lose parts of them when it saves.',
            "Remove all but one, and look at PATH: 'type -a nft'",
          )
        : ok('nft', described)
  const readable =
    found.length === 0
      ? []
      : [
          listing === null
            ? ok('nft tables', 'readable')
            : advice(
                'nft tables',
                listing,
                'Another program made a table that this nft does not understand; tools that list the whole ruleset stop there.',
                "Find it with 'nft list tables', and manage it with the program that made it",
              ),
        ]
  return [present, ...readable]
}

function forwarding({ firewall: { forwardPolicies } }: Facts): Finding {
  const closed = forwardPolicies.filter(({ policy }) => policy.toLowerCase() === 'drop')
  if (closed.length === 0)
    return ok(
      'FORWARD policy',
      forwardPolicies.map(({ where, policy }) => `${where} ${policy}`).join(', ') || 'no such chain',
    )
  return problem(
    'FORWARD policy',
    closed.map(({ where }) => `DROP in ${where}`).join(', '),
    'Packets of builds and apps are dropped without a word: every chain of a hook must accept them. Docker leaves it so, even after it was removed.',
    'iptables -P FORWARD ACCEPT (with Docker on this machine: iptables -I DOCKER-USER -i "bv+" -j ACCEPT; iptables -I DOCKER-USER -o "bv+" -j ACCEPT)',
  )
}

/** Sockets of these families are not open to sandboxes; without the module, a hole in the filter leads nowhere. */
export const riskyModules = [
  'af_alg',
  'algif_aead',
  'algif_hash',
  'algif_rng',
  'algif_skcipher',
  'rxrpc',
  'esp4',
  'esp6',
  'sctp',
  'dccp',
  'tipc',
  'rds',
  'can',
  'ax25',
]

function modules({ kernel }: Facts): Finding {
  const loaded = riskyModules.filter((name) => kernel.modules.includes(name))
  const loadable = riskyModules.filter((name) => kernel.loadable.includes(name))
  if (loaded.length + loadable.length === 0) return ok('kernel modules', 'none of those that are better absent')
  const found = [
    loaded.length ? `there: ${loaded.join(' ')}` : '',
    loadable.length ? `loadable: ${loadable.join(' ')}` : '',
  ]
  return advice(
    'kernel modules',
    found.filter((part) => part !== '').join('; '),
    'CVE-2026-31431 (AF_ALG) and CVE-2026-43284 and -43500 (ESP, RxRPC) give root through them. Sandboxes cannot open these sockets; other users of the host can. Leave out esp4 and esp6 if you use IPsec.',
    `printf 'install %s /bin/false\\n' ${[...loaded, ...loadable].join(' ')} > /etc/modprobe.d/berth.conf, then unload them or reboot (what is built in stays)`,
  )
}

function memory({ swapKb, ksm }: Facts): Finding[] {
  return [
    swapKb === 0
      ? ok('swap', 'off')
      : advice(
          'swap',
          `${Math.round(swapKb / 1024)} MiB`,
          "Tenants' secrets reach the disk in the clear, and memory limits become soft.",
          'swapoff -a, and remove it from /etc/fstab; or encrypt it',
        ),
    ksm
      ? advice(
          'same-page merging (KSM)',
          'on',
          'A tenant can tell by timing what pages another has.',
          'echo 2 > /sys/kernel/mm/ksm/run',
        )
      : ok('same-page merging (KSM)', 'off'),
  ]
}

function smt({ smt: active }: Facts): Finding {
  if (active !== true) return ok('SMT', active === null ? 'cannot be seen' : 'off')
  return advice(
    'SMT',
    'on',
    'Threads of one core share caches: where tenants are hostile to each other, one may learn from the other.',
    'echo off > /sys/devices/system/cpu/smt/control, or give such tenants cores of their own',
  )
}

function conntrack({ conntrack: table }: Facts): Finding {
  if (table === null) return ok('connection tracking', 'not in use yet')
  const found = `${table.count} of ${table.max} entries`
  const remedy = `sysctl -w net.netfilter.nf_conntrack_max=${Math.max(262_144, table.max * 2)}`
  if (table.count > table.max * 0.8)
    return problem(
      'connection tracking',
      found,
      'When the table is full, new connections of all tenants are dropped.',
      remedy,
    )
  if (table.max < 65_536 || table.count > table.max * 0.5)
    return advice(
      'connection tracking',
      found,
      'When the table is full, new connections of all tenants are dropped.',
      remedy,
    )
  return ok('connection tracking', found)
}

/** The hard limit that a sandbox gets (agent/sandbox/spec.ts). */
const SANDBOX_NOFILE = 16_384

function openFiles({ nofileHard }: Facts): Finding {
  const remedy = 'LimitNOFILE=1048576 in the unit, or ulimit -Hn 1048576 before the start'
  if (nofileHard < SANDBOX_NOFILE)
    return problem(
      'open files',
      `hard limit ${nofileHard}`,
      `Sandboxes get ${SANDBOX_NOFILE}; without CAP_SYS_RESOURCE they do not start.`,
      remedy,
    )
  return nofileHard < 65_536
    ? advice('open files', `hard limit ${nofileHard}`, 'A router needs two for each request under way.', remedy)
    : ok('open files', `hard limit ${nofileHard}`)
}

/** capabilities(7); linux/capability.h */
const SYS_ADMIN = 21n
const SYS_RESOURCE = 24n

function capabilities({ capabilities: held }: Facts): Finding {
  const has = (bit: bigint) => ((held >> bit) & 1n) === 1n
  if (!has(SYS_ADMIN))
    return problem(
      'capabilities',
      'without CAP_SYS_ADMIN',
      'Nothing can be mounted.',
      'Run as root, outside of a container without it',
    )
  return has(SYS_RESOURCE)
    ? ok('capabilities', 'all that are needed')
    : advice(
        'capabilities',
        'without CAP_SYS_RESOURCE',
        "The agent cannot be kept from the kernel's out-of-memory killer, nor raise limits.",
        'Start it from the host itself, or give its container --cap-add SYS_RESOURCE',
      )
}

const GIB = 1024 ** 3

function disks({ disks: found }: Facts): Finding[] {
  return found.map(({ setting, path, freeBytes, totalBytes, freeInodes, totalInodes }) => {
    const check = `space of ${setting}`
    const said = `${path}: ${(freeBytes / GIB).toFixed(1)} GiB of ${(totalBytes / GIB).toFixed(1)} GiB free`
    const inodesLow = totalInodes > 0 && freeInodes < totalInodes * 0.05
    const why = inodesLow
      ? 'Nearly all inodes are taken: no new file can be made soon.'
      : 'Scratch space is promised beyond what there is; when the disk is full, apps of all tenants fail to write.'
    const remedy = `Free some, or set ${setting} to a larger file system`
    if (freeBytes < GIB || (totalInodes > 0 && freeInodes < totalInodes * 0.01))
      return problem(check, said, why, remedy)
    if (freeBytes < 10 * GIB || freeBytes < totalBytes * 0.1 || inodesLow) return advice(check, said, why, remedy)
    return ok(check, said)
  })
}

function passage({ blockedPassage }: Facts): Finding {
  if (blockedPassage === null) return ok('way to BERTH_HOME', 'open to pass through')
  const { path, mode } = blockedPassage
  return problem(
    'way to BERTH_HOME',
    `${path} has mode ${mode.toString(8)}`,
    "A sandbox's root user, an ordinary user of the host, must pass through it.",
    `chmod o+x ${path}`,
  )
}

function clock({ clock: state }: Facts): Finding {
  if (state === 'synchronised') return ok('clock', 'synchronised')
  return advice(
    'clock',
    state === 'unknown' ? 'nothing seen that keeps it right' : 'not synchronised',
    'Leases, certificates and usage by the hour depend on it.',
    'apt-get install systemd-timesyncd (or chrony)',
  )
}

function resolver({ resolvers }: Facts): Finding {
  return resolvers.length > 0
    ? ok('name servers', resolvers.join(' '))
    : problem(
        'name servers',
        'none that a sandbox can reach',
        'Builds and apps could look up no name; a stub on 127.0.0.53 is not reachable from a sandbox.',
        'BERTH_RESOLVERS=192.0.2.53',
      )
}

function certificates({ caBundle: { path, certificates: count } }: Facts): Finding {
  return count !== null && count > 0
    ? ok('certificate authorities', `${count} in ${path}`)
    : problem(
        'certificate authorities',
        count === null ? `${path} is not there` : `none in ${path}`,
        'Every sandbox gets this file; without it the agent does not start, or no HTTPS works inside.',
        'apt-get install ca-certificates, or set BERTH_CA_BUNDLE',
      )
}

function leftovers({ slots, strayMounts }: Facts): Finding[] {
  const gone = slots.filter(({ homeExists }) => !homeExists)
  const idle = slots.filter(({ homeExists, agentRuns }) => homeExists && !agentRuns)
  const found = [
    ...gone.map(({ slot, home }) =>
      advice(
        'leftover slot',
        `slot ${slot} of ${home}, which is gone`,
        'It is given away when all others are taken.',
        `rm /run/berth/slots/${slot}`,
      ),
    ),
    ...idle.map(({ slot, home }) =>
      advice(
        'host without an agent',
        `slot ${slot} of ${home}`,
        'What runs there is not watched, metered or restarted.',
        `Start it again; or end all that runs there: BERTH_HOME=${home} node agent/main.ts --teardown`,
      ),
    ),
    ...strayMounts.map((home) =>
      advice(
        'leftover mounts',
        `below ${home}`,
        'They hold disk space and loop devices, and belong to no Berth that runs.',
        `BERTH_HOME=${home} node agent/main.ts --teardown, or umount them`,
      ),
    ),
  ]
  return found.length > 0 ? found : [ok('leftovers', 'none')]
}

const checks: Check[] = [
  root,
  kernelAge,
  userNamespaces,
  filesystems,
  kernelSettings,
  seccomp,
  cgroups,
  crun,
  runc,
  programs,
  redis,
  nft,
  forwarding,
  sysctlFindings,
  modules,
  memory,
  smt,
  conntrack,
  openFiles,
  capabilities,
  disks,
  passage,
  clock,
  resolver,
  certificates,
  leftovers,
]
