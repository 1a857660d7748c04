/** How a Java project builds itself: by Maven or Gradle, with its wrapper where it has one. */
import { isAbsolute, join, normalize } from 'node:path'
import { invalidFile } from '../contract.ts'

/** @property wrapper the program in the root, which fetches the version that the project names; null: Debian's */
export type Builder = { kind: 'maven' | 'gradle'; because: string; wrapper: 'mvnw' | 'gradlew' | null }

const gradleFiles = ['build.gradle', 'build.gradle.kts', 'settings.gradle', 'settings.gradle.kts']

/**
 * @param names of the files in the root
 * @returns null where there is nothing to build: the app brings what it runs
 */
export function builderOf(names: string[]): Builder | null {
  if (names.includes('pom.xml'))
    return { kind: 'maven', because: 'pom.xml', wrapper: names.includes('mvnw') ? 'mvnw' : null }
  const gradle = gradleFiles.find((name) => names.includes(name))
  if (gradle) return { kind: 'gradle', because: gradle, wrapper: names.includes('gradlew') ? 'gradlew' : null }
  return null
}

/** @throws BuildFailure: Debian's Gradle is from before Java 21, so there must be a wrapper */
export function refuseBareGradle({ kind, because, wrapper }: Builder): void {
  if (kind === 'gradle' && wrapper === null)
    throw invalidFile(
      `There is ${because} but no gradlew: the wrapper says which Gradle builds this app. Make it with "gradle wrapper", commit gradlew and gradle/wrapper/, and push again.`,
    )
}

/**
 * What is run in the root. A wrapper is run by a shell, so that it works without its executable bit too.
 * @param env the config vars; Heroku's names for goals and tasks mean the same here
 */
export function buildArguments(
  builder: Builder,
  env: NodeJS.ProcessEnv,
  folders: { cache: string; settings: string | null },
) {
  const { kind, wrapper } = builder
  const bare = kind === 'maven' ? 'mvn' : 'gradle'
  const [shown, program]: [string, [string, ...string[]]] = wrapper
    ? [`./${wrapper}`, ['sh', `./${wrapper}`]]
    : [bare, [bare]]
  const debian = wrapper === null ? [`-Dmaven.repo.local.tail=${DEBIAN_REPOSITORY}`] : []
  const args = kind === 'maven' ? [...debian, ...mavenArguments(env, folders)] : gradleArguments(env)
  // Where files are kept says nothing to the pusher.
  const said = args.filter((arg) => !arg.startsWith('-Dmaven.repo.local'))
  const argv: [string, ...string[]] = [...program, ...args]
  return { shown: [shown, ...said].join(' '), argv }
}

/** What Debian's Maven needs to build at all, at Debian's versions; whatever else a project names comes from its registry. */
const DEBIAN_REPOSITORY = '/usr/share/maven-repo'

function mavenArguments(
  env: NodeJS.ProcessEnv,
  { cache, settings }: { cache: string; settings: string | null },
): string[] {
  return [
    '--batch-mode',
    '--no-transfer-progress',
    ...(settings === null ? [] : ['--settings', settings]),
    `-Dmaven.repo.local=${join(cache, 'maven')}`,
    ...words(env['MAVEN_CUSTOM_OPTS'] ?? '-DskipTests'),
    ...words(env['MAVEN_CUSTOM_GOALS'] ?? 'package'),
  ]
}

const gradleArguments = (env: NodeJS.ProcessEnv): string[] => [
  '--no-daemon',
  '--console=plain',
  ...words(env['GRADLE_TASK'] ?? 'assemble'),
]

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '')

/** Of what a build fetches, kept between builds. */
export const builderFolders = (cache: string): NodeJS.ProcessEnv => ({
  MAVEN_USER_HOME: join(cache, 'maven-wrapper'),
  GRADLE_USER_HOME: join(cache, 'gradle'),
})

/** Half of a build's memory is heap: the JVM would take a quarter of the host's, which a build has not. */
export function builderOptions({ BERTH_MEMORY_MB: memory = '2048' }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const options = `-XX:MaxRAM=${memory}m -XX:MaxRAMPercentage=50`
  return { MAVEN_OPTS: options, GRADLE_OPTS: options }
}

/** What MAVEN_SETTINGS holds: the XML itself, or the path of a file of the repository. */
export type MavenSettings = { kind: 'text'; text: string } | { kind: 'file'; path: string } | null

/** @throws BuildFailure when the path leaves the app */
export function mavenSettings(env: NodeJS.ProcessEnv): MavenSettings {
  const value = (env['MAVEN_SETTINGS'] ?? env['MAVEN_SETTINGS_PATH'] ?? '').trim()
  if (value === '') return null
  if (value.startsWith('<')) return { kind: 'text', text: value }
  const path = normalize(value)
  if (isAbsolute(path) || path.startsWith('..'))
    throw invalidFile(
      `MAVEN_SETTINGS must hold the settings themselves (<settings>…) or the path of a file of the repository, got ${JSON.stringify(value.slice(0, 100))}.`,
    )
  return { kind: 'file', path }
}

/** Whether the project says that it makes a .war: then there must be a servlet container to run it. */
export const saysWar = (texts: { pom: string | null; gradle: string | null }): boolean =>
  /<packaging>\s*war\s*<\/packaging>/.test(texts.pom ?? '') ||
  /(?:^|\n)\s*(?:apply\s+plugin:\s*|id\s*\(?\s*)["']war["']|(?:^|\n)\s*war\s*(?:\n|\})/.test(texts.gradle ?? '')
