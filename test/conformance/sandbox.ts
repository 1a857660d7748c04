/**
 * What holds in every sandbox, whichever OCI runtime makes it: each check written once, by the id that docs/security.md
 * lists it under. They judge what the probes of test/fixtures/probes said from inside.
 */
import assert from 'node:assert/strict'
import { CANARY, type Evidence, type Facts } from './evidence.ts'

export type Check = { id: string; promise: string; holds(evidence: Evidence): void }

const NONE = '0000000000000000'

/** All facts whose name begins so, as an object that a failing test shows whole. */
const those = (facts: Facts, prefix: string): Record<string, string> =>
  Object.fromEntries([...facts].filter(([name]) => name.startsWith(prefix)))

/** Each of these was tried, and got this answer. */
function answered(facts: Facts, answer: string, names: string): void {
  const wanted = names.trim().split(/\s+/)
  assert.deepEqual(
    Object.fromEntries(wanted.map((name) => [name, facts.get(name)])),
    Object.fromEntries(wanted.map((name) => [name, answer])),
  )
}

const statusOf = (facts: Facts, who: string) => those(facts, `${who}.`)
const unprivileged = (who: string): Record<string, string> => ({
  ...Object.fromEntries(['Inh', 'Prm', 'Eff', 'Bnd', 'Amb'].map((set) => [`${who}.Cap${set}`, NONE])),
  [`${who}.NoNewPrivs`]: '1',
  [`${who}.Seccomp`]: '2',
})

const NAMESPACES = ['user', 'pid', 'mnt', 'net', 'ipc', 'uts', 'cgroup']

export const checks: Check[] = [
  {
    id: 'S01',
    promise:
      'no capability, no new privileges and a filter of system calls, for the first process and for its children',
    holds({ probe }) {
      assert.deepEqual(statusOf(probe, 'self'), unprivileged('self'))
      assert.deepEqual(statusOf(probe, 'child'), unprivileged('child'))
    },
  },
  {
    id: 'S02',
    promise: 'no namespace is shared with the host, a neighbour or another instance of the same app',
    holds({ probe, neighbour, sibling, host }) {
      for (const kind of NAMESPACES) {
        const links = [probe, neighbour, sibling, host.namespaces].map((facts) => facts.get(`ns.${kind}`))
        assert.ok(links.every(Boolean), kind)
        assert.equal(new Set(links).size, links.length, `${kind}: ${links.join(' ')}`)
      }
    },
  },
  {
    id: 'S03',
    promise: 'an app’s users are no user of the host’s and no other app’s',
    holds({ probe, neighbour }) {
      const ranges = [probe, neighbour].map((facts) => {
        assert.equal(facts.get('uid_map'), facts.get('gid_map'))
        assert.equal(facts.get('uid'), '1000')
        const [inside, base = 0, size = 0] = (facts.get('uid_map') ?? '').split(' ').map(Number)
        assert.equal(inside, 0)
        assert.ok(base >= 0x10000000 && size === 2048, `${base} ${size}`)
        return base
      })
      assert.ok(Math.abs((ranges[0] ?? 0) - (ranges[1] ?? 0)) >= 2048)
    },
  },
  {
    id: 'S04',
    promise: 'only its own processes are there to be seen, signalled or opened',
    holds({ probe }) {
      const processes = (probe.get('processes') ?? '').split(' ')
      assert.ok(processes.length >= 2 && processes.length <= 4, processes.join(' '))
      for (const count of ['kill.reached', 'pidfd.opened']) assert.ok(Number(probe.get(count)) <= 4, count)
    },
  },
  {
    id: 'S05',
    promise: 'setuid and setgid programs and file capabilities of a slug give nothing',
    holds({ probe }) {
      for (const who of ['setuid', 'setgid', 'capable'])
        assert.deepEqual(statusOf(probe, who), {
          [`${who}.euid`]: '1000',
          [`${who}.egid`]: '1000',
          ...unprivileged(who),
        })
    },
  },
  {
    id: 'S06',
    promise: 'no namespace can be made or entered, and threads start',
    holds({ probe }) {
      const kinds = ['NEWNS', 'NEWCGROUP', 'NEWUTS', 'NEWIPC', 'NEWUSER', 'NEWPID', 'NEWNET']
      answered(probe, 'EPERM', ['NEWTIME', ...kinds].map((kind) => `unshare.${kind}`).join(' '))
      answered(probe, 'EPERM', kinds.map((kind) => `clone.${kind}`).join(' '))
      answered(probe, 'EPERM', 'setns unshare.afterwards')
      answered(probe, 'ENOSYS', 'clone3')
      answered(probe, 'OK', 'thread')
    },
  },
  {
    id: 'S07',
    promise: 'no process looks into another, not even its own child',
    holds: ({ probe }) =>
      answered(
        probe,
        'EPERM',
        `ptrace.attach ptrace.seize ptrace.traceme process_vm_readv process_vm_writev pidfd_getfd kcmp process_madvise`,
      ),
  },
  {
    id: 'S08',
    promise: 'nothing can be mounted, unmounted or moved, by the old calls or the new',
    holds({ probe }) {
      answered(probe, 'EPERM', 'mount remount umount2 pivot_root chroot')
      answered(probe, 'ENOSYS', 'fsopen fsconfig fsmount fspick move_mount open_tree mount_setattr')
    },
  },
  {
    id: 'S09',
    promise: 'calls that administer the machine are refused before the kernel looks at them',
    holds({ probe }) {
      answered(
        probe,
        'EPERM',
        `bpf perf_event_open userfaultfd keyctl add_key request_key init_module finit_module delete_module kexec_load
        kexec_file_load swapon swapoff acct quotactl reboot syslog fanotify_init open_by_handle_at name_to_handle_at
        lookup_dcookie settimeofday clock_settime adjtimex sethostname setdomainname vhangup move_pages mbind vmsplice`,
      )
      if (process.arch === 'x64') answered(probe, 'EPERM', 'iopl ioperm modify_ldt')
      answered(probe, 'ENOSYS', 'splice tee cachestat')
    },
  },
  {
    id: 'S10',
    promise: 'the kernel seems to have no io_uring',
    holds: ({ probe }) => answered(probe, 'ENOSYS', 'io_uring_setup io_uring_enter io_uring_register'),
  },
  {
    id: 'S11',
    promise: 'sockets are Unix, TCP, UDP and netlink’s routing, and nothing else',
    holds({ probe }) {
      const opened = Object.entries(those(probe, 'socket.family.')).filter(([, answer]) => answer !== 'EAFNOSUPPORT')
      // Bits are types: 0x2 stream, 0x4 datagram, 0x8 raw (which for netlink is the same), 0x20 packets in order.
      assert.deepEqual(Object.fromEntries(opened), {
        'socket.family.1': 'opened 0x26',
        'socket.family.2': 'opened 0x6',
        'socket.family.10': 'opened 0x6',
        'socket.family.16': 'opened 0xc',
      })
      assert.equal(Object.keys(those(probe, 'socket.family.')).length, 46)
      const pairs = Object.entries(those(probe, 'socketpair.')).filter(([, answer]) => answer !== 'ENOSYS')
      assert.deepEqual(Object.fromEntries(pairs), { 'socketpair.1': 'OK' })
      for (const [name, answer] of Object.entries(those(probe, 'netlink.')))
        assert.equal(answer, name === 'netlink.0' ? 'OK' : 'EPROTONOSUPPORT', name)
      assert.deepEqual(Object.keys(those(probe, 'protocol.')).sort(), [
        'protocol.1.0',
        'protocol.1.6',
        'protocol.2.0',
        'protocol.2.17',
        'protocol.mptcp',
      ])
      answered(probe, 'EPROTONOSUPPORT', 'protocol.mptcp')
    },
  },
  {
    id: 'S12',
    promise: 'the 32-bit and x32 ways into the kernel kill who takes them',
    holds({ probe }) {
      if (process.arch === 'x64') answered(probe, 'killed by SIGSYS', 'int80 int80.socketcall x32')
      else assert.equal(probe.get('int80'), undefined)
    },
  },
  {
    id: 'S13',
    promise: 'no raw socket, no packet socket, no ping socket',
    holds: ({ probe }) => answered(probe, 'EPERM', 'raw.inet raw.inet6 packet.inet icmp.inet icmp.inet6'),
  },
  {
    id: 'S14',
    promise: 'devices cannot be made, those of a slug cannot be opened, and /dev has the harmless ones only',
    holds({ runtime, probe, host }) {
      answered(probe, 'EPERM', 'mknod.disk mknod.mem mknod.tun mknod.whiteout')
      answered(probe, 'OK', 'mknod.fifo mknod.socket mknod.file')
      const shipped = those(probe, 'shipped.')
      assert.equal(Object.keys(shipped).length, 8)
      for (const [name, answer] of Object.entries(shipped)) assert.equal(answer, 'EACCES', name)
      const inDev = Object.entries(those(probe, 'dev.')).filter(([, what]) => /^\d/.test(what))
      assert.deepEqual(Object.fromEntries(inDev), {
        'dev.full': '1:7',
        'dev.null': '1:3',
        'dev.random': '1:8',
        'dev.tty': '5:0',
        'dev.urandom': '1:9',
        'dev.zero': '1:5',
      })
      for (const [place, what] of Object.entries(those(probe, 'mount.'))) {
        // A masked file of /proc is /dev/null; devices themselves are mounted where they are.
        if (place.startsWith('mount./proc/') || what.startsWith('devtmpfs')) continue
        assert.match(what, /\bnosuid\b/, place)
        // The kernel lets no device of a file system be used that was mounted in a user namespace, as devpts is here.
        if (place !== 'mount./dev/pts') assert.match(what, /\bnodev\b/, place)
      }
      for (const rule of host.devices?.trim().split('\n') ?? []) {
        // runc before 1.2 adds tun after all rules of the specification: no node leads there, as shown above.
        if (runtime === 'runc' && rule === 'c 10:200 rwm') continue
        // The runtimes let every device be made (m), which takes a capability and a system call that nobody has here.
        assert.match(rule, /^([bc] \*:\* m|c (1:[35789]|5:[012]|136:\*) r?w?m?)$/, rule)
      }
    },
  },
  {
    id: 'S15',
    promise: 'nobody types into a terminal that is not his, and terminals work',
    holds({ probe }) {
      answered(probe, 'EPERM', 'TIOCSTI TIOCSTI.high TIOCLINUX TIOCLINUX.high')
      answered(probe, 'OK', 'openpt TIOCGWINSZ')
      assert.equal(probe.get('dev.console'), undefined)
    },
  },
  {
    id: 'S16',
    promise: 'a process cannot weaken itself by a personality',
    holds({ probe }) {
      const flags = those(probe, 'personality.0x')
      assert.equal(Object.keys(flags).length, 10)
      answered(probe, 'EPERM', [...Object.keys(flags), 'personality.svr4'].join(' '))
      answered(probe, 'OK', 'personality.query personality.linux')
    },
  },
  {
    id: 'S17',
    promise: 'no right is got back: not by prctl, not by setuid, not by a weaker filter',
    holds({ probe }) {
      answered(probe, 'EPERM', 'capbset_drop cap_ambient_raise set_mm setuid setgid setgroups')
      answered(probe, 'EINVAL', 'no_new_privs.off seccomp.off')
      answered(probe, 'OK', 'seccomp.weaker')
      answered(probe, 'EPERM', 'unshare.afterwards')
    },
  },
  {
    id: 'S18',
    promise: 'Landlock, with which a program confines itself, is its to use where the kernel has it',
    holds({ probe }) {
      if (probe.get('landlock.version') === 'OK') answered(probe, 'OK', 'landlock.restrict')
      else assert.ok(['ENOSYS', 'EOPNOTSUPP'].includes(probe.get('landlock.version') ?? ''))
    },
  },
  {
    id: 'S20',
    promise:
      '/proc shows nothing of the host’s memory, hardware, keys and counters, and /sys nothing but, on cgroup v2, its own group',
    holds({ probe }) {
      const shown = Object.entries({ ...those(probe, 'proc.'), ...those(probe, 'sys.') })
      assert.ok(shown.length >= 40)
      assert.deepEqual(
        shown.filter(([, what]) => !['ENOENT', 'EACCES', 'EPERM', 'EIO', '0 bytes', '0 names'].includes(what)),
        [],
      )
    },
  },
  {
    id: 'S21',
    promise: 'not one file of /proc or /sys can be opened for writing but a process’s own',
    holds({ probe, host }) {
      assert.ok(Number(probe.get('sweep.tried')) > 500)
      answered(probe, 'none', 'sweep.writable sweep.created')
      assert.equal(
        probe.get('sweep.own'),
        'attr/current attr/exec attr/fscreate attr/keycreate attr/sockcreate autogroup clear_refs comm coredump_filter ' +
          'gid_map loginuid mem oom_adj oom_score_adj projid_map sched setgroups timens_offsets timerslack_ns uid_map',
      )
      assert.ok(host.before.settings.size > 100)
      const { before, after } = host
      const changed = [...before.settings].filter(([name, value]) => after.settings.get(name) !== value)
      assert.deepEqual(
        changed.filter(([name]) => after.settings.has(name)),
        [],
      )
    },
  },
  {
    id: 'S22',
    promise: 'a slug full of links that look like the platform’s paths opens no file of the host',
    holds({ probe }) {
      assert.deepEqual(
        Object.keys(those(probe, 'link.')).sort(),
        ['agent', 'dev', 'host', 'shadow', 'up'].map((name) => `link.${name}`),
      )
      for (const name of ['agent', 'host', 'shadow', 'up']) assert.match(probe.get(`link.${name}`) ?? '', /-> ENOENT$/)
      answered(probe, 'EPERM', 'chmod./dev/null chown./dev/null')
      answered(probe, 'EACCES', 'touch./dev')
    },
  },
  {
    id: 'S23',
    promise: 'the runtime’s own program stays as it is, whatever is started by the name /proc/self/exe',
    holds({ probe, selfExe, host }) {
      answered(probe, 'EROFS', 'own_exe init_exe')
      assert.ok(!selfExe.includes(CANARY))
      assert.deepEqual(host.after.files, host.before.files)
    },
  },
  {
    id: 'S24',
    promise: 'no file of the host’s is open in it, and no way up leads out of its root',
    holds({ probe }) {
      assert.deepEqual(those(probe, 'fd.'), { 'fd.0': 'open', 'fd.1': 'open', 'fd.2': 'open' })
      assert.equal(probe.get('fds.self'), '0 1 2')
      assert.equal(probe.get('fds.1'), '0 1 2')
      assert.equal(probe.get('fds.folders'), 'none')
      for (const [way, same] of Object.entries(those(probe, 'root.'))) assert.match(same, /^(True|refused)$/, way)
    },
  },
  {
    id: 'S25',
    promise: 'the stack image cannot be written, by any call or mapping, nor a slug’s layer through /app',
    holds({ probe, host }) {
      answered(probe, 'EROFS', 'touch./ touch./usr touch./usr/bin touch./etc touch./opt touch./var')
      answered(probe, 'EROFS', 'open.rw truncate unlink chmod')
      answered(probe, 'EACCES', 'mmap.shared mprotect')
      answered(probe, 'OK', 'slug')
      assert.deepEqual(host.after.files, host.before.files)
    },
  },
  {
    id: 'S26',
    promise: 'no path of the host, of the agent or of another tenant is there',
    holds({ probe }) {
      const there = those(probe, 'there.')
      assert.ok(Object.keys(there).length >= 11)
      for (const [path, answer] of Object.entries(there)) assert.equal(answer, 'False', path)
    },
  },
  {
    id: 'S27',
    promise: '/usr is not the host’s, so its pages in memory are not either',
    holds({ probe, host }) {
      assert.notEqual(probe.get('usr.device'), undefined)
      assert.notEqual(probe.get('usr.device'), host.usrDevice)
    },
  },
  {
    id: 'S28',
    promise: '/etc is made for sandboxes: no user, key or machine-id of the host',
    holds({ probe }) {
      assert.match(probe.get('etc.passwd') ?? '', /^root:x:0:[^|]*\|app:x:1000:[^|]*\|nobody:x:65534:[^|]*\|$/)
      assert.equal(probe.get('etc.group'), 'root:x:0:|app:x:1000:|nogroup:x:65534:|')
      assert.equal(probe.get('etc.hosts'), '127.0.0.1 localhost|')
      assert.equal(probe.get('etc.machine-id'), '')
      const names = (probe.get('etc.names') ?? '').split(' ')
      for (const secret of ['shadow', 'gshadow', 'ssh', 'subuid', 'fstab', 'sudoers', 'crontab'])
        assert.ok(!names.includes(secret), secret)
    },
  },
  {
    id: 'S33',
    promise: 'what the host mounts later does not appear inside, and no mount is shared',
    holds({ probe, neighbourAfterwards }) {
      assert.ok(neighbourAfterwards.includes(' /tmp '))
      assert.ok(!neighbourAfterwards.includes('later'), neighbourAfterwards)
      for (const [place, what] of Object.entries(those(probe, 'mount.')))
        assert.doesNotMatch(what, /shared:|master:|propagate/, place)
    },
  },
  {
    id: 'S34',
    promise: 'a neighbour’s secrets are in no argument, and lie in memory, for root only',
    holds({ probe, sibling, host, bundle }) {
      assert.ok(!host.arguments.includes(CANARY))
      for (const facts of [probe, sibling]) assert.ok(![...facts.values()].some((value) => value.includes(CANARY)))
      assert.deepEqual(bundle, { mode: 0o600, fileSystem: 'tmpfs' })
    },
  },
  {
    id: 'S35',
    promise:
      'nothing is shared through /tmp, shared memory, semaphores or message queues, even with the same app’s instances',
    holds({ neighbour, probe, sibling }) {
      answered(neighbour, 'found', 'sysv.shm sysv.msg sysv.sem')
      for (const folder of ['/tmp', '/dev/shm', '/dev/mqueue'])
        assert.match(neighbour.get(`shared.${folder}`) ?? '', /secret-of-a-neighbour/, folder)
      for (const facts of [probe, sibling]) {
        answered(facts, 'ENOENT', 'sysv.shm sysv.msg sysv.sem')
        answered(facts, 'nothing', 'shared./tmp shared./dev/shm shared./dev/mqueue')
      }
    },
  },
  {
    id: 'S00',
    promise: 'after all that was tried, the host is as it was, the neighbour answers, and no process is left',
    holds({ probe, host, neighbourAfterwards, left }) {
      answered(probe, 'done', 'syscalls files probes')
      assert.equal(host.after.hostname, host.before.hostname)
      assert.deepEqual(host.after.devices, host.before.devices)
      assert.deepEqual(host.after.files, host.before.files)
      assert.ok(neighbourAfterwards.length > 0)
      assert.deepEqual(left, [])
    },
  },
]
