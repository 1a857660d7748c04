/** Settings of the kernel that narrow what a hole in it, or in the sandbox, would give; and one that spares clients a failure. */
import type { Finding } from '#core/contract/doctor.ts'
import type { Facts } from './facts.ts'

type Wanted = {
  name: string
  /** What it should be set to. */
  value: string
  /** Other values that are as good. */
  accepts?: (found: string) => boolean
  why: string
}

const atLeastNumber = (least: number) => (found: string) => Number(found) >= least

export const wantedSysctls: Wanted[] = [
  {
    name: 'kernel.io_uring_disabled',
    value: '2',
    why: "Sandboxes cannot use io_uring; this closes it for the host's other users. Node's own use of it ends too: measure the router before and after.",
  },
  {
    name: 'kernel.unprivileged_bpf_disabled',
    value: '2',
    accepts: atLeastNumber(1),
    why: 'Programs in the kernel are a short way to its holes.',
  },
  {
    name: 'kernel.perf_event_paranoid',
    value: '3',
    accepts: atLeastNumber(3),
    why: 'Performance counters tell of others, and have been a way to root.',
  },
  { name: 'kernel.kptr_restrict', value: '2', why: "The kernel's addresses help whoever attacks it." },
  { name: 'kernel.dmesg_restrict', value: '1', why: "The kernel's log tells of other tenants and of its addresses." },
  { name: 'kernel.kexec_load_disabled', value: '1', why: 'Nobody needs to start another kernel from this one.' },
  { name: 'kernel.sysrq', value: '0', why: 'A console key should not reboot a host.' },
  {
    name: 'vm.unprivileged_userfaultfd',
    value: '0',
    why: 'It holds the kernel still at a chosen point, which makes races easy to win.',
  },
  {
    name: 'kernel.core_pattern',
    value: '|/bin/false',
    accepts: (found) => !found.startsWith('|') || found === '|/bin/false',
    why: 'A program that root runs for each crash is fed by the tenant that crashes.',
  },
  { name: 'fs.protected_symlinks', value: '1', why: 'Links in shared folders lead privileged programs astray.' },
  { name: 'fs.protected_hardlinks', value: '1', why: 'Links in shared folders lead privileged programs astray.' },
  {
    name: 'fs.protected_fifos',
    value: '2',
    accepts: atLeastNumber(1),
    why: 'Pipes in shared folders can take the place of files.',
  },
  {
    name: 'fs.protected_regular',
    value: '2',
    accepts: atLeastNumber(1),
    why: 'Files in shared folders can be planted.',
  },
  { name: 'fs.suid_dumpable', value: '0', why: 'Memory of privileged programs must not be left on disk.' },
  {
    name: 'net.ipv4.conf.all.rp_filter',
    value: '1',
    accepts: atLeastNumber(1),
    why: 'Packets with a false sender should end here.',
  },
  { name: 'net.ipv4.conf.all.route_localnet', value: '0', why: 'Nothing from outside may reach 127.0.0.1.' },
  {
    name: 'net.ipv4.conf.all.accept_redirects',
    value: '0',
    why: 'Nobody on the network may change routes of the host.',
  },
  { name: 'net.ipv4.conf.all.accept_source_route', value: '0', why: 'A sender may not choose the way of its packets.' },
  {
    name: 'net.ipv4.tcp_syncookies',
    value: '1',
    accepts: atLeastNumber(1),
    why: 'Half-open connections must not use up the router.',
  },
  {
    name: 'net.ipv4.tcp_migrate_req',
    value: '1',
    why: "When one of the router's workers is replaced, connections that it has not accepted yet are reset instead of going to another. The router sets it where it may.",
  },
]

/** One finding for all that are as they should be, one for each that is not. What a kernel does not know needs no setting. */
export function sysctlFindings({ sysctls }: Facts): Finding[] {
  const known = wantedSysctls.filter(({ name }) => (sysctls[name] ?? null) !== null)
  const isGood = ({ name, value, accepts }: Wanted) => {
    const found = sysctls[name] ?? ''
    return found === value || (accepts?.(found) ?? false)
  }
  const good = known.filter(isGood)
  return [
    {
      check: 'kernel settings',
      verdict: 'ok',
      found: `${good.length} of ${known.length} as advised`,
      why: '',
      remedy: null,
    },
    ...known
      .filter((wanted) => !isGood(wanted))
      .map(({ name, value, why }): Finding => ({
        check: name,
        verdict: 'advice',
        found: `${sysctls[name]}, advised is ${value}`,
        why,
        remedy: `sysctl -w ${name}='${value}' (to keep it: /etc/sysctl.d/90-berth.conf)`,
      })),
  ]
}
