/** ◆ Which npm packages carry a runtime, which of its versions a range means, and what to say when it means none. */
import semver from 'semver'
import type { RuntimeName } from '#core/domain/slug.ts'

/** What a package must suit. */
export type Machine = {
  /** As `process.arch` has it. */
  arch: string
  /** Whether the processor has AVX2, which Bun's usual build needs. */
  avx2: boolean
}

/**
 * An npm package that carries a runtime's versions in the range `counts`.
 * @param program a program that lies in the package's root instead of in `bin/`
 */
export type RuntimePackage = { package: string; counts: string; program?: string }

/** The packages of a runtime; none when it comes from elsewhere. */
export function packagesOf(name: RuntimeName, { arch, avx2 }: Machine): RuntimePackage[] {
  switch (name) {
    case 'node':
      return [{ package: `node-linux-${arch}`, counts: '*' }]
    case 'npm':
      return [{ package: 'npm', counts: '*' }]
    case 'pnpm':
      return [
        { package: 'pnpm', counts: '<12' },
        // From 12 on it is a compiled program, and the package of this name only looks for it.
        { package: `@pnpm/exe.linux-${arch}`, counts: '>=12', program: 'pnpm' },
      ]
    case 'yarn':
      return [
        { package: 'yarn', counts: '1.x' },
        { package: '@yarnpkg/cli-dist', counts: '>=2' },
      ]
    case 'bun':
      return [
        { package: `@oven/bun-linux-${arch === 'arm64' ? 'aarch64' : avx2 ? 'x64' : 'x64-baseline'}`, counts: '*' },
      ]
    case 'deno':
      return [{ package: `@deno/linux-${arch}-glibc`, counts: '*', program: 'deno' }]
    case 'toolchain':
    case 'python':
    case 'ruby':
    case 'php':
    case 'go':
    case 'java':
    case 'maven':
    case 'tomcat':
      return []
  }
}

/** Chosen whenever an app's range allows it: long-term support, and what most lockfiles of today were made by. */
const preferredMajor: Partial<Record<RuntimeName, number>> = { node: 24, npm: 10, pnpm: 10, yarn: 1 }

/** Names of Node's lines, as `.nvmrc` files have them. */
const lines: Record<string, string> = {
  '*': '24.x',
  node: '*',
  hydrogen: '18.x',
  iron: '20.x',
  jod: '22.x',
  krypton: '24.x',
}

/** Of the versions that satisfy the range, the newest of the preferred line, else the newest; null when none does. */
export function chooseVersion(name: RuntimeName, range: string, versions: string[]): string | null {
  const asked = rangeOf(name, range)
  if (semver.validRange(asked) === null) return null
  const major = preferredMajor[name]
  const preferred =
    major === undefined
      ? null
      : semver.maxSatisfying(
          versions.filter((version) => semver.major(version) === major),
          asked,
        )
  return preferred ?? semver.maxSatisfying(versions, asked)
}

function rangeOf(name: RuntimeName, range: string): string {
  const plain = range
    .trim()
    .replace(/^lts\//i, '')
    .toLowerCase()
  if (name !== 'node') return plain
  return lines[plain] ?? (plain === '' || plain === 'lts' ? '24.x' : plain)
}

/**
 * What there is near a range that nothing satisfies, for the sentence to the pusher: when its major version exists, the
 * newest of that; and the newest of the lines on both sides of it, three lines at most.
 * @returns versions, the newest first
 */
export function nearestVersions(range: string, versions: string[]): string[] {
  const newestOf = new Map<number, string>()
  for (const version of semver.rsort(versions.filter((each) => semver.prerelease(each) === null)))
    if (!newestOf.has(semver.major(version))) newestOf.set(semver.major(version), version)
  const asked = majorOf(range) ?? Infinity
  const distance = (major: number) => (asked === Infinity ? -major : Math.abs(major - asked))
  return [...newestOf.entries()]
    .sort(([a], [b]) => distance(a) - distance(b) || b - a)
    .slice(0, 3)
    .sort(([a], [b]) => b - a)
    .map(([, version]) => version)
}

function majorOf(range: string): number | null {
  const lowest = semver.validRange(range) === null ? null : semver.minVersion(range)
  return lowest?.major ?? null
}
