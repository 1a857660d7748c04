/**
 * The system calls that tenants' processes may make. An allow-list modelled on Docker's default profile, with Podman's
 * default answer: ENOSYS for what is not listed, so that programs fall back from calls newer than this list, and EPERM
 * for what is known to be dangerous, so that programs say clearly what failed.
 */
type Argument = { index: number; value: number; valueTwo?: number; op: 'SCMP_CMP_EQ' | 'SCMP_CMP_MASKED_EQ' }
type Rule = { names: string[]; action: 'SCMP_ACT_ALLOW' | 'SCMP_ACT_ERRNO'; errnoRet?: number; args?: Argument[] }
export type Seccomp = {
  defaultAction: 'SCMP_ACT_ERRNO'
  defaultErrnoRet: number
  architectures: string[]
  syscalls: Rule[]
}

const EPERM = 1
const ENOSYS = 38
const EAFNOSUPPORT = 97

const AF_UNIX = 1
const AF_INET = 2
const AF_INET6 = 10
const AF_NETLINK = 16
const NETLINK_ROUTE = 0
const SOCK_TYPE_MASK = 0xf
const SOCK_RAW = 3
const SOCK_PACKET = 10

/** CLONE_NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET; NEWTIME shares a bit with CSIGNAL in clone(2). */
const CLONE_NAMESPACES = 0x7e020000
const TIOCSTI = 0x5412
const TIOCLINUX = 0x541c

const allowed = `
accept accept4 access alarm bind brk cachestat capget capset chdir chmod chown clock_getres clock_gettime
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
signalfd signalfd4 socketpair splice stat statfs statx symlink symlinkat sync sync_file_range syncfs sysinfo tee tgkill time
timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime times
tkill truncate umask uname unlink unlinkat utime utimensat utimes vfork wait4 waitid write writev arch_prctl
`

const refused = `
acct add_key adjtimex bpf chroot clock_adjtime clock_settime create_module delete_module fanotify_init fanotify_mark
finit_module get_mempolicy init_module ioperm iopl kcmp kexec_file_load kexec_load keyctl lookup_dcookie mbind
migrate_pages mknod mknodat modify_ldt mount move_pages name_to_handle_at nfsservctl open_by_handle_at perf_event_open
pidfd_getfd pivot_root process_madvise process_mrelease process_vm_readv process_vm_writev ptrace quotactl quotactl_fd reboot
request_key set_mempolicy set_mempolicy_home_node setdomainname sethostname setns settimeofday swapoff swapon syslog
umount2 unshare userfaultfd uselib ustat vhangup vmsplice
`

/** Answered as if the kernel had never heard of them: libraries have a way without (libuv: epoll; glibc: clone). */
const unknown = `
io_uring_setup io_uring_enter io_uring_register clone3 fsopen fsconfig fsmount fspick move_mount open_tree mount_setattr
memfd_secret
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
const equals = (index: number, value: number): Argument => ({ index, value, op: 'SCMP_CMP_EQ' })
const masked = (index: number, mask: number, value: number): Argument => ({
  index,
  value: mask,
  valueTwo: value,
  op: 'SCMP_CMP_MASKED_EQ',
})

/** @param arch Node's `process.arch`. Foreign ABIs (32-bit, x32) are not listed, so libseccomp kills what uses them. */
export function seccompProfile(arch: string): Seccomp {
  const notRaw = (family: number) =>
    [1, 2, 5].map((type) => allow(['socket'], [equals(0, family), masked(1, SOCK_TYPE_MASK, type)]))
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
      // Only what is allowed is listed for socket(2); its other families are refused with the error that programs expect.
      ...[AF_UNIX, AF_INET, AF_INET6].flatMap(notRaw),
      allow(['socket'], [equals(0, AF_NETLINK), equals(2, NETLINK_ROUTE)]),
      ...otherFamilies().map((family) => refuse(['socket'], EAFNOSUPPORT, [equals(0, family)])),
      ...[AF_INET, AF_INET6].flatMap((family) =>
        [SOCK_RAW, SOCK_PACKET].map((type) =>
          refuse(['socket'], EPERM, [equals(0, family), masked(1, SOCK_TYPE_MASK, type)]),
        ),
      ),
      ...[0x0, 0x8, 0x20000, 0x20008, 0xffffffff].map((persona) => allow(['personality'], [equals(0, persona)])),
      // Typing into somebody's terminal: CVE-2017-5226, CVE-2023-28100.
      ...ioctlRules(),
    ],
  }
}

const bitsOf = (mask: number): number[] =>
  Array.from({ length: 31 }, (_, bit) => 2 ** bit).filter((bit) => (mask & bit) !== 0)

function otherFamilies(): number[] {
  const known = new Set([AF_UNIX, AF_INET, AF_INET6, AF_NETLINK])
  return Array.from({ length: 46 }, (_, family) => family).filter((family) => !known.has(family))
}

/**
 * ioctl is allowed for every request but two, which differ from each other in the low four bits only. seccomp has no
 * "not equal" for a masked value, and the kernel ignores the request's upper half (CVE-2019-10063), so: allow what
 * differs in any one of the upper 28 bits, and of the sixteen that do not, the fourteen others.
 */
function ioctlRules(): Rule[] {
  const upper = Array.from({ length: 28 }, (_, bit) => 2 ** (bit + 4)).map((bit) =>
    allow(['ioctl'], [masked(1, bit, (TIOCSTI & bit) === 0 ? bit : 0)]),
  )
  const lower = Array.from({ length: 16 }, (_, low) => (TIOCSTI & ~0xf) | low).filter(
    (request) => request !== TIOCSTI && request !== TIOCLINUX,
  )
  return [
    ...upper,
    ...lower.map((request) => allow(['ioctl'], [masked(1, 0xffffffff, request)])),
    ...[TIOCSTI, TIOCLINUX].map((request) => refuse(['ioctl'], EPERM, [masked(1, 0xffffffff, request)])),
  ]
}
