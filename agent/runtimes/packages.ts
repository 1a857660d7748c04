/** Which Debian packages make a runtime, and which versions a release of Debian has. */
import semver from 'semver'
import type { DebianRuntimeName } from '#core/domain/slug.ts'

/** One version of a runtime. `counts` is the package that the version is read from once it is installed. */
export type DebianRuntime = { version: string; counts: string; packages: string[] }

/** What most libraries of other languages are compiled against; the libraries themselves are in the stack. */
const headers = [
  'libcurl4-openssl-dev',
  'libffi-dev',
  'libmariadb-dev',
  'libpq-dev',
  'libsqlite3-dev',
  'libssl-dev',
  'libxml2-dev',
  'libxslt1-dev',
  'libyaml-dev',
  'zlib1g-dev',
]
const phpExtensions = [
  'apcu',
  'bcmath',
  'curl',
  'gd',
  'gmp',
  'igbinary',
  'intl',
  'mbstring',
  'mysql',
  'opcache',
  'pgsql',
  'redis',
  'sqlite3',
  'xml',
  'zip',
]

const php = (version: string): DebianRuntime => ({
  version,
  counts: `php${version}-cli`,
  packages: [
    'composer',
    'nginx',
    // In the place of systemd, which php-fpm would bring along.
    'systemd-standalone-tmpfiles',
    'unzip',
    ...['cli', 'fpm', ...phpExtensions].map((name) => `php${version}-${name}`),
  ],
})

const java = (major: string): DebianRuntime => ({
  version: major,
  counts: `openjdk-${major}-jre-headless`,
  packages: [`openjdk-${major}-jdk-headless`],
})

/** By release of Debian, as in core/domain/stack.ts; of each runtime the one that is taken where nothing is asked for first. */
const releases: Record<number, Record<DebianRuntimeName, DebianRuntime[]>> = {
  13: {
    toolchain: [
      {
        version: '14.2',
        counts: 'gcc-14',
        packages: ['g++', 'gcc', 'git', 'make', 'patch', 'pkg-config', 'python3-dev', ...headers],
      },
    ],
    python: [{ version: '3.13', counts: 'python3.13', packages: ['python3-pip', 'python3-venv'] }],
    ruby: [
      {
        version: '3.3',
        counts: 'ruby3.3',
        packages: ['ruby', 'ruby-bundler', 'ruby-dev'],
      },
    ],
    php: [php('8.4')],
    go: [{ version: '1.24', counts: 'golang-1.24-go', packages: ['golang-go'] }],
    java: [java('21'), java('25')],
    jetty: [{ version: '12.0', counts: 'jetty12', packages: ['jetty12'] }],
    tomcat: [
      { version: '10.1', counts: 'tomcat10-common', packages: ['tomcat10-common'] },
      { version: '11.0', counts: 'tomcat11-common', packages: ['tomcat11-common'] },
    ],
  },
}

/** What there is of a runtime in a release of Debian, the usual one first; empty where there is nothing. */
export const versionsOf = (release: number, name: DebianRuntimeName): DebianRuntime[] => releases[release]?.[name] ?? []

/**
 * The version for a range as semver writes it. Debian's version has no patch that an app could rely on: it moves with
 * security fixes, so a range that needs one satisfies nothing.
 * @returns null when there is none, or it is no range
 */
export function chooseDebianVersion(range: string, there: DebianRuntime[]): DebianRuntime | null {
  const asked = semver.validRange(range)
  if (asked === null) return null
  return there.find(({ version }) => semver.satisfies(semver.coerce(version) ?? '', asked)) ?? null
}

/** Whether an installed package is of the version: `2:8.4.11-1` is of 8.4. */
export function isOfVersion(installed: string, version: string): boolean {
  const upstream = installed.replace(/^\d+:/, '')
  return upstream === version || (upstream.startsWith(version) && /^[^0-9]/.test(upstream.slice(version.length)))
}
