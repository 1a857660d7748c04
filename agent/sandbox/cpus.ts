/** Which cores whose processes run on, in the kernel's list format: `0-3,6`. */

/** @returns the cores in ascending order; what is no list is none */
export function parseCpus(list: string): number[] {
  const cores = list
    .trim()
    .split(',')
    .flatMap((part) => {
      const match = /^(\d+)(?:-(\d+))?$/.exec(part.trim())
      if (!match) return []
      const first = Number(match[1])
      const last = Math.min(Number(match[2] ?? first), first + MAX_CORES)
      return Array.from({ length: Math.max(0, last - first + 1) }, (_, n) => first + n)
    })
  return [...new Set(cores)].sort((a, b) => a - b)
}

/** As many as the kernel's CONFIG_NR_CPUS allows at most, so that a list is bounded whatever it says. */
const MAX_CORES = 8192

export function formatCpus(cores: number[]): string {
  const ranges: [number, number][] = []
  for (const core of [...cores].sort((a, b) => a - b)) {
    const last = ranges.at(-1)
    if (last && core <= last[1] + 1) last[1] = core
    else ranges.push([core, core])
  }
  return ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(',')
}

/**
 * The cores of each tenant. Reserved ones are for the tenants that reserved them; the others share what is left. A
 * reservation that names no core of this machine does not count here, and where all are reserved the others get all:
 * nobody is left without a core.
 * @param reserved each tenant's reservation, or null
 */
export function assignCpus<Tenant>(machine: number[], reserved: Map<Tenant, string | null>): Map<Tenant, number[]> {
  const here = new Set(machine)
  const own = new Map([...reserved].map(([tenant, list]) => [tenant, parseCpus(list ?? '').filter((n) => here.has(n))]))
  const taken = new Set([...own.values()].flat())
  const free = machine.filter((core) => !taken.has(core))
  const shared = free.length > 0 ? free : machine
  return new Map([...own].map(([tenant, cores]) => [tenant, cores.length > 0 ? cores : shared]))
}
