/** Java apps: built by Maven or Gradle, or brought as they are; an executable .jar runs by itself, a .war in Tomcat. */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ProcessType } from '#core/domain/ids.ts'
import type { Procfile } from '#core/domain/procfile.ts'
import { BuildFailure, exitCodes, type AppFolder, type Build, type Buildpack, type RuntimeNeed } from '../contract.ts'
import { KIB, MIB } from '../folder.ts'
import { isOpen, readProcfile, withDefaultWeb } from '../processes.ts'
import { ARCHIVE, archiveClasses, isTrainable } from './archive.ts'
import { archiveFolders, builtFolders, chooseArtifact, jarCommand } from './artifacts.ts'
import {
  buildArguments,
  builderFolders,
  builderOptions,
  builderOf,
  mavenSettings,
  refuseBareGradle,
  saysWar,
} from './builder.ts'
import { findArchives, readArchives } from './facts.ts'
import { chosenLine, PROFILE, profileScript } from './options.ts'
import { unpackWar, warCommand } from './tomcat.ts'
import { javaVersion, versionFiles, type VersionFile } from './version.ts'

const WEB = 'web' as ProcessType

export const java: Buildpack = {
  name: 'java',

  async detect(app) {
    const because = builderOf(await app.names())?.because ?? (await broughtArchive(app))
    if (because !== undefined) return { accepted: true, what: 'Java app', because: `${because} found` }
    return {
      accepted: false,
      lookedFor: 'pom.xml, build.gradle, or a .jar or .war in the root, target/ or build/libs/, found none',
    }
  },

  async plan(app) {
    const builder = builderOf(await app.names())
    if (builder) refuseBareGradle(builder)
    const procfile = await readProcfile(app)
    const runtimes: RuntimeNeed[] = [{ name: 'java', ...javaVersion(await readVersionFiles(app)) }]
    if (builder?.kind === 'maven' && builder.wrapper === null)
      runtimes.push({ name: 'maven', range: '*', reason: 'builds the app; a wrapper (mvnw) would choose its version' })
    if (isOpen(procfile) && (await expectsWar(app)))
      runtimes.push({ name: 'tomcat', range: '11.x', reason: 'runs the .war' })
    return { runtimes, dependencies: null }
  },

  async compile(build) {
    const env = await javaEnvironment(build)
    const built = await buildIt(build, env)
    const procfile = await readProcfile(build.app)
    const processes = isOpen(procfile) ? await openProcesses(build, procfile, built, env) : (procfile ?? {})
    await writeProfile(build, processes, null)
    build.output.line(chosenLine)
    const command = processes[WEB]
    if (command !== undefined && isTrainable(command) && env['BERTH_JAVA_ARCHIVE'] !== 'off') {
      const archived = await archiveClasses(build, { command, env })
      if (archived) await writeProfile(build, processes, `/app/${ARCHIVE}`)
    }
    return { processes, env: { JAVA_HOME: env['JAVA_HOME'] ?? '' } }
  },
}

/** A page that offers a .jar for download is a static site. */
async function broughtArchive(app: AppFolder): Promise<string | undefined> {
  const [first] = await findArchives(app, archiveFolders)
  return first !== undefined && (await app.has('index.html')) ? undefined : first
}

async function readVersionFiles(app: AppFolder): Promise<VersionFile[]> {
  const files: VersionFile[] = []
  for (const name of versionFiles) {
    const text = await app.read(name, 64 * KIB)
    if (text !== null) files.push({ name, text })
  }
  return files
}

async function expectsWar(app: AppFolder): Promise<boolean> {
  if ((await findArchives(app, archiveFolders)).some((path) => path.endsWith('.war'))) return true
  const gradle = (await app.read('build.gradle', MIB)) ?? (await app.read('build.gradle.kts', MIB))
  return saysWar({ pom: await app.read('pom.xml', 4 * MIB), gradle })
}

// ── building ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const JVMS = '/usr/lib/jvm'

/** The Java of this build, first on PATH and as JAVA_HOME: another may be there that Maven's package brought along. */
async function javaEnvironment({ app, env, cacheFolder }: Build): Promise<NodeJS.ProcessEnv> {
  const major = javaVersion(await readVersionFiles(app)).range
  const names = await readdir(JVMS).catch(() => [])
  const home = names.find((name) => name.startsWith(`java-${major}-openjdk-`))
  if (home === undefined) throw new BuildFailure(exitCodes.failedStep, `This sandbox has no Java ${major}.`)
  const path = join(JVMS, home)
  return {
    ...builderOptions(env),
    ...env,
    ...builderFolders(cacheFolder),
    JAVA_HOME: path,
    PATH: `${path}/bin:${env['PATH'] ?? '/usr/bin:/bin'}`,
  }
}

/** @returns whether the app builds itself */
async function buildIt(build: Build, env: NodeJS.ProcessEnv): Promise<boolean> {
  const { app, cacheFolder } = build
  const builder = builderOf(await app.names())
  if (!builder) return false
  const settings = await settingsFile(env)
  const { shown, argv } = buildArguments(builder, env, { cache: cacheFolder, settings })
  await build.run({ title: 'Building', shown, argv, env })
  // What Gradle remembers of this build alone.
  await rm(join(app.path, '.gradle'), { recursive: true, force: true })
  return true
}

async function settingsFile(env: NodeJS.ProcessEnv): Promise<string | null> {
  const settings = mavenSettings(env)
  if (settings?.kind !== 'text') return settings?.path ?? null
  const file = '/tmp/maven-settings.xml'
  await writeFile(file, settings.text, { mode: 0o600 })
  return file
}

// ── what runs ────────────────────────────────────────────────────────────────────────────────────────────────────────

async function openProcesses(
  build: Build,
  procfile: Procfile | null,
  built: boolean,
  env: NodeJS.ProcessEnv,
): Promise<Procfile> {
  const { app, output } = build
  const paths = await findArchives(app, built ? builtFolders : archiveFolders)
  const artifact = chooseArtifact(await readArchives(app, paths, env))
  if (artifact.kind === 'jar') {
    output.title(`web runs ${artifact.path}`)
    return withDefaultWeb(procfile, jarCommand(artifact))
  }
  await unpackWar(build, artifact.path, artifact.migrate, env)
  output.title(`web runs ${artifact.path} in Tomcat, at /`)
  return withDefaultWeb(procfile, warCommand)
}

async function writeProfile({ app }: Build, processes: Procfile, archive: string | null): Promise<void> {
  const file = join(app.path, PROFILE)
  await mkdir(join(file, '..'), { recursive: true })
  await writeFile(file, profileScript({ commands: commandsOf(processes), archive }))
}

const commandsOf = (processes: Procfile): string[] => Object.values(processes).filter((one) => one !== undefined)
