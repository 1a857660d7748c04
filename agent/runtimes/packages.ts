/** Which Debian packages make a runtime, and which versions a release of Debian has. */
import semver from 'semver'
import type { DebianRuntimeName } from '#core/domain/slug.ts'

/**
 * One version of a runtime. `counts` is the package that the version is read from once it is installed; `finish`, a command of
 * its own that makes what every app would else make for itself.
 */
export type DebianRuntime = { version: string; counts: string; packages: string[]; finish?: [string, ...string[]] }

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

/** Those of Maven's default lifecycle: Debian's Maven asks for Debian's versions of them, some of which Maven Central has not. */
const mavenPlugins = [
  ...['compiler', 'install', 'jar', 'resources', 'war'].map((name) => `libmaven-${name}-plugin-java`),
  'libsurefire-java',
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

/** The development kit, for apps that run as well: a Debian JRE is the same files but for some 80 MB, and builds need the rest anyway. */
const java = (major: string): DebianRuntime => ({
  version: major,
  counts: `openjdk-${major}-jre-headless`,
  packages: [`openjdk-${major}-jdk-headless`],
})

/**
 * Go's own library comes as source, and compiling it takes half a minute of a core: here once, and not for each app. Flags
 * and settings are those of buildpacks/go, which copies it from there.
 */
const compileGoLibrary: [string, ...string[]] = [
  'env',
  'CGO_ENABLED=0',
  'GOCACHE=/usr/lib/berth/go-cache',
  'GOPATH=/tmp/go',
  'GOTOOLCHAIN=local',
  'go',
  'build',
  '-trimpath',
  // With what these need it is three fifths of the library: that of a web app.
  ...['archive/zip', 'compress/gzip', 'database/sql', 'embed', 'encoding/csv', 'encoding/json', 'encoding/xml', 'flag'],
  ...[
    'html/template',
    'log/slog',
    'mime/multipart',
    'net/http/httputil',
    'net/smtp',
    'os/exec',
    'os/signal',
    'time/tzdata',
  ],
]

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
    go: [{ version: '1.24', counts: 'golang-1.24-go', packages: ['golang-go'], finish: compileGoLibrary }],
    java: [java('21'), java('25')],
    maven: [{ version: '3.9', counts: 'maven', packages: ['maven', ...mavenPlugins] }],
    tomcat: [
      // Without tomcat11-common, which brings a Java of its own.
      { version: '11.0', counts: 'libtomcat11-java', packages: ['libtomcat11-java', 'tomcat-jakartaee-migration'] },
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
