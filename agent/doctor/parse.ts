/** Reads what the kernel and its tools say, as pure functions of the text. */
import type { Facts } from './facts.ts'

/**
 * When a kernel was built, from /proc/version: Debian and Ubuntu put the package's date in brackets, others a date of
 * date(1) at the end.
 * @returns ms since 1970, or null when there is no date
 */
export function buildDateOf(version: string): number | null {
  const [, day] = /\((\d{4}-\d{2}-\d{2})\)/.exec(version) ?? []
  const [, month, date, time, year] =
    /(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (\w{3}) +(\d+) ([\d:]+) \w+ (\d{4})/.exec(version) ?? []
  const parsed = Date.parse(day ?? (year ? `${date} ${month} ${year} ${time} UTC` : ''))
  return Number.isNaN(parsed) ? null : parsed
}

/** A kernel's build configuration: `CONFIG_VETH=m` becomes VETH → m. */
export const settingsOf = (config: string): Map<string, string> =>
  new Map([...config.matchAll(/^CONFIG_(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]))

/** modprobe.d(5): `blacklist` keeps a module from being loaded by an alias, `install … /bin/false` from being loaded at all. */
export function isBlacklisted(module: string, rules: string): boolean {
  return rules.split('\n').some((line) => {
    const [verb, name = '', program = ''] = line.trim().split(/\s+/)
    if (name.replaceAll('-', '_') !== module) return false
    return verb === 'blacklist' || (verb === 'install' && /\/(false|true)$/.test(program))
  })
}

/**
 * The policies of the chains through which iptables forwards packets.
 * @param ruleset what `nft list ruleset` says; iptables-nft has its chains there
 * @param legacy what `iptables-legacy -S FORWARD` says
 */
export function forwardPoliciesOf(ruleset: string, legacy: string): Facts['firewall']['forwardPolicies'] {
  const found: Facts['firewall']['forwardPolicies'] = []
  let table = ''
  for (const line of ruleset.split('\n')) {
    table = /^table (\S+ \S+) \{/.exec(line)?.[1] ?? table
    const [, policy] = /hook forward priority [^;]+; policy (\w+);/.exec(line) ?? []
    // Berth's own chain drops by default and accepts its own packets.
    if (policy && !/ berth_\d+$/.test(table)) found.push({ where: `table ${table}`, policy })
  }
  const [, policy] = /^-P FORWARD (\w+)/m.exec(legacy) ?? []
  return policy ? [...found, { where: 'iptables-legacy', policy: policy.toLowerCase() }] : found
}

/** Data folders whose agents' mounts are there although no slot is theirs. */
export function strayHomesOf(mounts: string[], homes: string[]): string[] {
  const mounted = mounts.flatMap(
    (path) => /^(.+)\/agent\/(?:run|stack|layers|sandboxes|builds|caches)(?:\/|$)/.exec(path)?.[1] ?? [],
  )
  return [...new Set(mounted)].filter((home) => !homes.includes(home)).sort()
}
