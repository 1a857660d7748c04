/**
 * The system calls that tenants' processes may make. An allow-list modelled on Docker's default profile, with Podman's
 * default answer: ENOSYS for what is not listed, so that programs fall back from calls newer than this list, and EPERM
 * for what is known to be dangerous, so that programs say clearly what failed.
 */
export type Argument = { index: number; value: number; valueTwo: number; op: 'SCMP_CMP_MASKED_EQ' }
type Rule = { names: string[]; action: 'SCMP_ACT_ALLOW' | 'SCMP_ACT_ERRNO'; errnoRet?: number; args?: Argument[] }
export type Seccomp = {
  defaultAction: 'SCMP_ACT_ERRNO'
  defaultErrnoRet: number
  architectures: string[]
  syscalls: Rule[]
}

const EPERM = 1
const ENOSYS = 38
const EPROTONOSUPPORT = 93
const EAFNOSUPPORT = 97

const AF_UNIX = 1
const AF_INET = 2
const AF_INET6 = 10
const AF_NETLINK = 16
const NETLINK_ROUTE = 0
/** Families are below 46 (AF_MAX), protocols of netlink below 32 (MAX_LINKS). */
const FAMILY_BITS = 6
const NETLINK_BITS = 5
const SOCK_TYPE_MASK = 0xf
const [SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_PACKET] = [1, 2, 3, 5, 10]
const [IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMPV6, IPPROTO_SCTP, IPPROTO_MPTCP] = [1, 6, 17, 58, 132, 262]
const INT_BITS = 32

/** The part of a file's mode that says what it is (inode(7)); 0 makes a plain file too. */
const S_IFMT = 0xf000
const [S_IFIFO, S_IFCHR, S_IFBLK, S_IFREG, S_IFSOCK] = [0x1000, 0x2000, 0x6000, 0x8000, 0xc000]

/** Docker's list: PER_LINUX and PER_LINUX32, both also as UNAME26, and the question which one it is. */
const personalities = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff]
/** Bits of personality(2) that weaken a process, ADDR_NO_RANDOMIZE to ADDR_LIMIT_3GB; READ_IMPLIES_EXEC is among them. */
const PERSONALITY_FLAGS = 0x0ffc0000
/** Set in the question, and in no flag. */
const PERSONALITY_QUERY_BIT = 0x80000000

/** CLONE_NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET; NEWTIME shares a bit with CSIGNAL in clone(2). */
const CLONE_NAMESPACES = 0x7e020000
const TIOCSTI = 0x5412
const TIOCLINUX = 0x541c

const allowed = `
accept accept4 access alarm bind brk capget capset chdir chmod chown clock_getres clock_gettime
clock_nanosleep close close_range connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl
epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2 fadvise64
fallocate fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fork fremovexattr
fsetxattr fstat fstatfs fsync ftruncate futex futex_requeue futex_wait futex_waitv futex_wake futimesat getcpu getcwd
getdents getdents64 getegid geteuid getgid getgroups getitimer getpeername getpgid getpgrp getpid getppid getpriority
getrandom getresgid getresuid getrlimit get_robust_list getrusage getsid getsockname getsockopt gettid gettimeofday getuid
getxattr inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents
io_setup io_submit ioprio_get ioprio_set kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown
lgetxattr link linkat listen listxattr llistxattr lremovexattr lseek lsetxattr lstat madvise map_shadow_stack membarrier
memfd_create mincore mkdir mkdirat mlock mlock2 mlockall mmap mprotect mq_getsetattr mq_notify mq_open mq_timedreceive
mq_timedsend mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync munlock munlockall munmap nanosleep newfstatat open
openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll prctl pread64
preadv preadv2 prlimit64 pselect6 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv recvfrom recvmmsg
recvmsg remap_file_pages removexattr rename renameat renameat2 restart_syscall rmdir rseq rt_sigaction rt_sigpending
rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sched_getaffinity sched_getattr
sched_getparam sched_get_priority_max sched_get_priority_min sched_getscheduler sched_rr_get_interval sched_setaffinity
sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop sendfile sendmmsg
sendmsg sendto setfsgid setfsuid setgid setgroups setitimer setpgid setpriority setregid setresgid setresuid setreuid
setrlimit set_robust_list setsid setsockopt set_tid_address setuid setxattr shmat shmctl shmdt shmget shutdown sigaltstack
signalfd signalfd4 stat statfs statx symlink symlinkat sync sync_file_range syncfs sysinfo tgkill time
timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime times
tkill truncate umask uname unlink unlinkat utime utimensat utimes vfork wait4 waitid write writev arch_prctl
`

const refused = `
acct add_key adjtimex bpf chroot clock_adjtime clock_settime create_module delete_module fanotify_init fanotify_mark
finit_module get_mempolicy init_module ioperm iopl kcmp kexec_file_load kexec_load keyctl lookup_dcookie mbind
migrate_pages modify_ldt mount move_pages name_to_handle_at nfsservctl open_by_handle_at perf_event_open
pidfd_getfd pivot_root process_madvise process_mrelease process_vm_readv process_vm_writev ptrace quotactl quotactl_fd reboot
request_key set_mempolicy set_mempolicy_home_node setdomainname sethostname setns settimeofday swapoff swapon syslog
umount2 unshare userfaultfd uselib ustat vhangup vmsplice
`

/**
 * Answered as if the kernel had never heard of them: libraries have a way without (libuv: epoll; glibc: clone).
 * splice and tee put pages of files into pipes, the way in of Dirty Pipe (CVE-2022-0847) and Copy Fail (CVE-2026-31431);
 * programs copy instead. sendfile stays, because servers live by it: this narrows the class, it does not close it.
 * cachestat tells which pages of a file are in memory, of files that tenants share too.
 */
const unknown = `
io_uring_setup io_uring_enter io_uring_register clone3 fsopen fsconfig fsmount fspick move_mount open_tree mount_setattr
memfd_secret splice tee cachestat
`

const words = (text: string) => text.trim().split(/\s+/)
const refuse = (names: string[], errnoRet: number, args?: Argument[]): Rule => ({
  names,
  action: 'SCMP_ACT_ERRNO',
  errnoRet,
  ...(args ? { args } : {}),
})
const allow = (names: string[], args?: Argument[]): Rule => ({
  names,
  action: 'SCMP_ACT_ALLOW',
  ...(args ? { args } : {}),
})
/** Of the 64 bits of an argument, those of `mask` are those of `value`. */
const masked = (index: number, mask: number, value: number): Argument => ({
  index,
  value: mask,
  valueTwo: value,
  op: 'SCMP_CMP_MASKED_EQ',
})
/** An int: the kernel ignores the upper half of its register (CVE-2019-10063), and so does this. */
const equals = (index: number, value: number): Argument => masked(index, 2 ** INT_BITS - 1, value)

/**
 * Arguments of which exactly one matches any number but these. seccomp(2) filters made by libseccomp have no "none of
 * these", and rules of two actions must not overlap; so: every prefix of bits that is not the beginning of one of them.
 */
export function otherThan(index: number, values: number[], bits: number): Argument[] {
  const prefixes = new Map<string, Argument>()
  for (let bit = bits - 1; bit >= 0; bit--) {
    const above = (value: number) => Math.floor(value / 2 ** bit)
    for (const value of values) {
      const neighbour = above(value) % 2 === 0 ? above(value) + 1 : above(value) - 1
      if (values.some((other) => above(other) === neighbour)) continue
      prefixes.set(`${bit} ${neighbour}`, masked(index, 2 ** bits - 2 ** bit, neighbour * 2 ** bit))
    }
  }
  return [...prefixes.values()]
}

/** @param arch Node's `process.arch`. Foreign ABIs (32-bit, x32) are not listed, so libseccomp kills what uses them. */
export function seccompProfile(arch: string): Seccomp {
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: ENOSYS,
    architectures: [arch === 'arm64' ? 'SCMP_ARCH_AARCH64' : 'SCMP_ARCH_X86_64'],
    syscalls: [
      allow(words(allowed)),
      refuse(words(refused), EPERM),
      refuse(words(unknown), ENOSYS),
      allow(['clone'], [masked(0, CLONE_NAMESPACES, 0)]),
      ...bitsOf(CLONE_NAMESPACES).map((flag) => refuse(['clone'], EPERM, [masked(0, flag, flag)])),
      ...socketRules,
      ...makeNodeRules,
      ...personalities.map((persona) => allow(['personality'], [equals(0, persona)])),
      ...bitsOf(PERSONALITY_FLAGS).map((flag) =>
        refuse(['personality'], EPERM, [masked(0, PERSONALITY_QUERY_BIT + flag, flag)]),
      ),
      // Typing into somebody's terminal: CVE-2017-5226, CVE-2023-28100.
      ...[TIOCSTI, TIOCLINUX].map((request) => refuse(['ioctl'], EPERM, [equals(1, request)])),
      ...otherThan(1, [TIOCSTI, TIOCLINUX], INT_BITS).map((argument) => allow(['ioctl'], [argument])),
    ],
  }
}

const typed = (type: number): Argument => masked(1, SOCK_TYPE_MASK, type)

/**
 * Families, types and protocols are listed by what is allowed: whatever nobody needs is code of the kernel's that no
 * tenant reaches, and the kernel would even load its module. What programs try before they fall back gets the error that
 * they expect; all else is unknown.
 */
const socketRules: Rule[] = [
  allow(['socketpair'], [equals(0, AF_UNIX)]),
  ...[SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET].map((type) => allow(['socket'], [equals(0, AF_UNIX), typed(type)])),
  ...[AF_INET, AF_INET6].flatMap((family) => {
    const socket = (type: number, protocol: number) => [equals(0, family), typed(type), equals(2, protocol)]
    return [
      ...[0, IPPROTO_TCP].map((protocol) => allow(['socket'], socket(SOCK_STREAM, protocol))),
      ...[0, IPPROTO_UDP].map((protocol) => allow(['socket'], socket(SOCK_DGRAM, protocol))),
      ...[IPPROTO_MPTCP, IPPROTO_SCTP].map((protocol) =>
        refuse(['socket'], EPROTONOSUPPORT, socket(SOCK_STREAM, protocol)),
      ),
      ...[IPPROTO_ICMP, IPPROTO_ICMPV6].map((protocol) => refuse(['socket'], EPERM, socket(SOCK_DGRAM, protocol))),
      ...[SOCK_RAW, SOCK_PACKET].map((type) => refuse(['socket'], EPERM, [equals(0, family), typed(type)])),
    ]
  }),
  allow(['socket'], [equals(0, AF_NETLINK), equals(2, NETLINK_ROUTE)]),
  ...otherThan(2, [NETLINK_ROUTE], NETLINK_BITS).map((protocol) =>
    refuse(['socket'], EPROTONOSUPPORT, [equals(0, AF_NETLINK), protocol]),
  ),
  ...otherThan(0, [AF_UNIX, AF_INET, AF_INET6, AF_NETLINK], FAMILY_BITS).map((family) =>
    refuse(['socket'], EAFNOSUPPORT, [family]),
  ),
]

/** Pipes and sockets with names are for everybody; devices are not. */
const makeNodeRules: Rule[] = [
  { name: 'mknod', mode: 1 },
  { name: 'mknodat', mode: 2 },
].flatMap(({ name, mode }) => [
  ...[0, S_IFIFO, S_IFREG, S_IFSOCK].map((kind) => allow([name], [masked(mode, S_IFMT, kind)])),
  ...[S_IFCHR, S_IFBLK].map((kind) => refuse([name], EPERM, [masked(mode, S_IFMT, kind)])),
])

const bitsOf = (mask: number): number[] =>
  Array.from({ length: 31 }, (_, bit) => 2 ** bit).filter((bit) => (mask & bit) !== 0)
