import assert from 'node:assert/strict'
import type { Verdict } from '#core/contract/doctor.ts'
import { diagnose } from '../../../agent/doctor/checks.ts'
import type { Facts } from '../../../agent/doctor/facts.ts'
import { buildDateOf, forwardPoliciesOf, isBlacklisted, settingsOf, strayHomesOf } from '../../../agent/doctor/parse.ts'
import { wantedSysctls } from '../../../agent/doctor/sysctls.ts'
import { atLeast } from '../../../agent/doctor/versions.ts'

const GIB = 1024 ** 3
const now = Date.parse('2026-11-21T00:00:00Z')
const disk = {
  setting: 'BERTH_HOME',
  path: '/var/lib/berth',
  freeBytes: 80 * GIB,
  totalBytes: 100 * GIB,
  freeInodes: 900,
  totalInodes: 1000,
}

/** A machine with which all is well. */
const sound: Facts = {
  now,
  isRoot: true,
  kernel: {
    release: '6.12.1',
    builtAt: now - 10 * 86_400_000,
    settings: new Map([
      ['EROFS_FS_ZIP', 'y'],
      ['SQUASHFS_ZSTD', 'y'],
      ['NF_TABLES', 'm'],
      ['VETH', 'm'],
    ]),
    filesystems: ['overlay', 'erofs', 'squashfs', 'ext4'],
    maxUserNamespaces: 100_000,
    seccomp: true,
    modules: ['veth'],
    loadable: [],
  },
  cgroup: { version: 'v2', controllers: ['cpu', 'io', 'memory', 'pids'], stray: [] },
  programs: {
    crun: '1.29.1',
    conmon: '2.1.12',
    runc: null,
    'redis-server': '7.2.4',
    'mkfs.erofs': '1.8',
    mksquashfs: '4.6',
    mmdebstrap: '1.5',
    'mkfs.ext4': '1.47',
    ip: '6.1',
    unshare: '2.41',
  },
  redisEmbedded: true,
  firewall: {
    nft: [{ path: '/usr/sbin/nft', version: '1.1.1' }],
    listing: null,
    forwardPolicies: [{ where: 'table ip filter', policy: 'accept' }],
  },
  sysctls: Object.fromEntries(wantedSysctls.map(({ name, value }) => [name, value])),
  swapKb: 0,
  ksm: false,
  smt: false,
  conntrack: { count: 100, max: 262_144 },
  nofileHard: 1_048_576,
  capabilities: 0x1ffffffffffn,
  disks: [disk],
  blockedPassage: null,
  clock: 'synchronised',
  resolvers: ['192.0.2.53'],
  caBundle: { path: '/etc/ssl/certs/ca-certificates.crt', certificates: 140 },
  slots: [{ slot: 0, home: '/var/lib/berth', homeExists: true, agentRuns: true }],
  strayMounts: [],
}

const kernel = (over: Partial<Facts['kernel']>) => ({ kernel: { ...sound.kernel, ...over } })
const program = (over: Partial<Facts['programs']>) => ({ programs: { ...sound.programs, ...over } })
const firewall = (over: Partial<Facts['firewall']>) => ({ firewall: { ...sound.firewall, ...over } })
const sysctl = (name: string, value: string | null) => ({ sysctls: { ...sound.sysctls, [name]: value } })

/** What is wrong, and the one thing that the doctor should say about it. */
const cases: [what: string, facts: Partial<Facts>, verdict: Verdict, check: string, says: RegExp][] = [
  ['nobody but root can tell', { isRoot: false }, 'problem', 'user', /sudo/],
  ['an old kernel', kernel({ builtAt: now - 200 * 86_400_000 }), 'advice', 'kernel age', /200 days/],
  ['a kernel without a date', kernel({ builtAt: null }), 'advice', 'kernel age', /does not tell/],
  ['user namespaces off', kernel({ maxUserNamespaces: 0 }), 'problem', 'user namespaces', /sysctl -w user\./],
  ['no user namespaces', kernel({ maxUserNamespaces: null }), 'problem', 'user namespaces', /CONFIG_USER_NS/],
  [
    'no overlay',
    kernel({ filesystems: ['erofs', 'squashfs', 'ext4'] }),
    'problem',
    'file system overlay',
    /modprobe overlay/,
  ],
  [
    'no EROFS',
    kernel({ filesystems: ['overlay', 'squashfs', 'ext4'] }),
    'problem',
    'file system erofs',
    /modprobe erofs/,
  ],
  ['EROFS without lz4', kernel({ settings: new Map([['SQUASHFS_ZSTD', 'y'], ['NF_TABLES', 'y'], ['VETH', 'y']]) }), 'problem', 'EROFS with lz4', /CONFIG_EROFS_FS_ZIP/], // prettier-ignore
  ['no mkfs.erofs', program({ 'mkfs.erofs': null }), 'problem', 'mkfs.erofs', /erofs-utils/],
  ['squashfs without zstd', kernel({ settings: new Map([['EROFS_FS_ZIP', 'y'], ['NF_TABLES', 'y'], ['VETH', 'y']]) }), 'problem', 'squashfs with zstd', /CONFIG_SQUASHFS_ZSTD/], // prettier-ignore
  ['no seccomp', kernel({ seccomp: false }), 'problem', 'seccomp', /CONFIG_SECCOMP_FILTER/],
  [
    'a module for AF_ALG',
    kernel({ modules: ['af_alg'] }),
    'advice',
    'kernel modules',
    /there: af_alg.*CVE-2026-31431/s,
  ],
  ['one that could be loaded', kernel({ loadable: ['rxrpc'] }), 'advice', 'kernel modules', /loadable: rxrpc/],
  ['a v1 hybrid', { cgroup: { version: 'v1', controllers: ['cpu', 'cpuacct', 'memory', 'pids', 'freezer', 'devices'], stray: [] } }, 'advice', 'cgroup mode', /unified_cgroup_hierarchy=1/], // prettier-ignore
  ['a stray controller', { cgroup: { ...sound.cgroup, stray: ['hugetlb'] } }, 'advice', 'stray cgroup controllers', /hugetlb/], // prettier-ignore
  ['no memory controller', { cgroup: { ...sound.cgroup, controllers: ['cpu', 'io', 'pids'] } }, 'problem', 'cgroup controllers', /\+memory/], // prettier-ignore
  ['no crun', program({ crun: null }), 'problem', 'crun', /apt-get install crun/],
  ["Debian 12's crun", program({ crun: '1.8.1' }), 'advice', 'crun', /1\.25\.1.*CVE-2026-30892.*CVE-2026-47766/s],
  ['crun 1.27', program({ crun: '1.27' }), 'advice', 'crun', /^(?!.*30892).*CVE-2026-47766/s],
  ['crun 1.29', program({ crun: '1.29' }), 'advice', 'crun', /repaired in 1\.29\.1/],
  ['an old runc', program({ runc: '1.1.5' }), 'advice', 'runc', /CVE-2025-31133/],
  ['no conmon', program({ conmon: null }), 'problem', 'conmon', /apt-get install conmon/],
  ['Redis 7.0', program({ 'redis-server': '7.0.15' }), 'advice', 'Redis', /WAITAOF/],
  ['no Redis', program({ 'redis-server': null }), 'problem', 'Redis', /BERTH_REDIS_URL/],
  ['no nft', firewall({ nft: [] }), 'problem', 'nft', /nftables/],
  ['two nfts', firewall({ nft: [...sound.firewall.nft, { path: '/usr/local/sbin/nft', version: '1.0.6' }] }), 'advice', 'nft', /type -a nft/], // prettier-ignore
  ['a table that nft cannot read', firewall({ listing: 'incompatible' }), 'advice', 'nft tables', /incompatible/],
  ["Docker's FORWARD policy", firewall({ forwardPolicies: [{ where: 'table ip filter', policy: 'drop' }] }), 'problem', 'FORWARD policy', /iptables -P FORWARD ACCEPT/], // prettier-ignore
  ['swap', { swapKb: 2_097_152 }, 'advice', 'swap', /2048 MiB.*swapoff/s],
  ['page merging', { ksm: true }, 'advice', 'same-page merging (KSM)', /ksm\/run/],
  ['SMT', { smt: true }, 'advice', 'SMT', /smt\/control/],
  [
    'a full connection table',
    { conntrack: { count: 230_000, max: 262_144 } },
    'problem',
    'connection tracking',
    /=524288/,
  ],
  ['a small connection table', { conntrack: { count: 1, max: 8192 } }, 'advice', 'connection tracking', /=262144/],
  ['few open files', { nofileHard: 20_000 }, 'advice', 'open files', /20000/],
  ['too few open files', { nofileHard: 4096 }, 'problem', 'open files', /16384/],
  ['no CAP_SYS_RESOURCE', { capabilities: 0x1fffeffffffn }, 'advice', 'capabilities', /CAP_SYS_RESOURCE/],
  ['no CAP_SYS_ADMIN', { capabilities: 0n }, 'problem', 'capabilities', /CAP_SYS_ADMIN/],
  ['a full disk', { disks: [{ ...disk, freeBytes: GIB / 2 }] }, 'problem', 'space of BERTH_HOME', /0\.5 GiB of 100\.0/],
  ['a nearly full disk', { disks: [{ ...disk, freeBytes: 9 * GIB }] }, 'advice', 'space of BERTH_HOME', /larger/],
  ['few inodes', { disks: [{ ...disk, freeInodes: 40 }] }, 'advice', 'space of BERTH_HOME', /inodes/],
  [
    'a closed folder',
    { blockedPassage: { path: '/root', mode: 0o700 } },
    'problem',
    'way to BERTH_HOME',
    /chmod o\+x \/root/,
  ],
  ['a clock alone', { clock: 'unknown' }, 'advice', 'clock', /timesyncd/],
  ['no name server', { resolvers: [] }, 'problem', 'name servers', /BERTH_RESOLVERS/],
  ['no authorities', { caBundle: { path: '/ca', certificates: null } }, 'problem', 'certificate authorities', /\/ca is not there/], // prettier-ignore
  ['a slot of nobody', { slots: [{ slot: 4, home: '/gone', homeExists: false, agentRuns: false }] }, 'advice', 'leftover slot', /slots\/4/], // prettier-ignore
  ['a host without an agent', { slots: [{ slot: 4, home: '/b', homeExists: true, agentRuns: false }] }, 'advice', 'host without an agent', /--teardown/], // prettier-ignore
  ['mounts of nobody', { strayMounts: ['/tmp/dead'] }, 'advice', 'leftover mounts', /\/tmp\/dead/],
  [
    'a program for crashes',
    sysctl('kernel.core_pattern', '|/usr/lib/crash %p'),
    'advice',
    'kernel.core_pattern',
    /bin\/false/,
  ],
  ['readable kernel log', sysctl('kernel.dmesg_restrict', '0'), 'advice', 'kernel.dmesg_restrict', /sysctl -w kernel\.dmesg_restrict='1'/], // prettier-ignore
]

describe('The doctor', () => {
  it('has nothing to say of a sound machine', () => {
    const findings = diagnose(sound)
    assert.deepEqual(
      findings.filter(({ verdict }) => verdict !== 'ok'),
      [],
    )
    assert.ok(findings.length > 25)
  })

  for (const [what, facts, verdict, check, says] of cases) {
    it(`sees ${what}, and says what to do`, () => {
      const spoken = diagnose({ ...sound, ...facts }).filter((finding) => finding.verdict !== 'ok')
      assert.deepEqual(
        spoken.map((finding) => [finding.verdict, finding.check]),
        [[verdict, check]],
      )
      const [finding] = spoken
      assert.match(`${finding?.found}\n${finding?.why}\n${finding?.remedy}`, says)
    })
  }

  it('asks nothing of a kernel that does not know a setting, and takes a stricter one for as good', () => {
    for (const facts of [
      sysctl('kernel.io_uring_disabled', null),
      sysctl('kernel.perf_event_paranoid', '4'),
      sysctl('kernel.unprivileged_bpf_disabled', '1'),
      sysctl('kernel.core_pattern', 'core'),
    ])
      assert.ok(diagnose({ ...sound, ...facts }).every(({ verdict }) => verdict === 'ok'))
  })

  it('compares versions by their numbers', () => {
    assert.ok(atLeast('1.28', '1.28') && atLeast('1.28.0', '1.28') && atLeast('1.100', '1.28') && atLeast('2', '1.28'))
    assert.ok(!atLeast('1.8.1', '1.28') && !atLeast('1.27.9', '1.28') && !atLeast('unknown', '1.28'))
  })

  it('reads when a kernel was built', () => {
    const debian =
      'Linux version 6.1.0-18-amd64 (debian-kernel@lists.debian.org) #1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)'
    assert.equal(buildDateOf(debian), Date.parse('2024-02-01'))
    assert.equal(
      buildDateOf('Linux version 6.8.0 (b@b) #1 SMP Wed Nov 18 10:01:02 UTC 2026'),
      Date.parse('2026-11-18T10:01:02Z'),
    )
    assert.equal(buildDateOf('Linux version 6.18.44 (b@b) #1 SMP PREEMPT_DYNAMIC @0'), null)
  })

  it("finds the policies of iptables' chains, and leaves out Berth's own", () => {
    const ruleset = `table ip filter {
	chain FORWARD {
		type filter hook forward priority filter; policy drop;
	}
}
table inet berth_3 {
	chain forward {
		type filter hook forward priority filter; policy drop;
	}
}`
    assert.deepEqual(forwardPoliciesOf(ruleset, '-P FORWARD ACCEPT\n'), [
      { where: 'table ip filter', policy: 'drop' },
      { where: 'iptables-legacy', policy: 'accept' },
    ])
  })

  it('reads settings, blacklists and mounts', () => {
    assert.deepEqual(settingsOf('# CONFIG_A is not set\nCONFIG_VETH=m\n'), new Map([['VETH', 'm']]))
    const rules = 'blacklist algif-hash\n# install rxrpc /bin/false\ninstall sctp /bin/false\ninstall rds modprobe x\n'
    assert.deepEqual(
      ['algif_hash', 'rxrpc', 'sctp', 'rds'].filter((name) => isBlacklisted(name, rules)),
      ['algif_hash', 'sctp'],
    )
    const mounts = ['/', '/a/agent/run', '/b/agent/layers/mounted/0f', '/b/agent/run', '/srv/agent/other']
    assert.deepEqual(strayHomesOf(mounts, ['/a']), ['/b'])
  })
})
