/** What of an app's archives is to run: an executable .jar by itself, a .war by a servlet container. */
import { invalidFile } from '../contract.ts'

/** What assets/jar-facts.py says of an archive. */
export type Facts = {
  main: string | null
  spring: boolean
  /** The servlet API that a .war is written for; null: it names none. */
  servlet: 'jakarta' | 'javax' | null
  /** Why it cannot be read. */
  error: string | null
}
export type Archive = { path: string } & Facts

export type Artifact = { kind: 'jar'; path: string; spring: boolean } | { kind: 'war'; path: string; migrate: boolean }

/** Where archives are looked for, first in the root and its build folders, then in those of modules. */
export const archiveFolders = ['.', 'target', 'target/quarkus-app', 'build/libs', 'build/quarkus-app'] as const
/** After a build, what lies in the root was there before it. */
export const builtFolders = archiveFolders.filter((folder) => folder !== '.')

const isArchive = (name: string): boolean => /\.(?:jar|war)$/.test(name)
/** Beside the one that runs, builds leave its source, its documentation, and what it was before it was repacked. */
const isByProduct = (name: string): boolean =>
  /(?:-sources|-javadoc|-tests|-test-fixtures|-plain|-original)\.jar$|^original-/.test(name)

/** @param names what the folder holds */
export const archivesIn = (folder: string, names: string[]): string[] =>
  names
    .filter((name) => isArchive(name) && !isByProduct(name))
    .map((name) => (folder === '.' ? name : `${folder}/${name}`))

/**
 * Chooses what web runs. What starts by itself is started so, a .war too.
 * @throws BuildFailure when there is nothing, or several could be meant
 */
export function chooseArtifact(archives: Archive[]): Artifact {
  const starts = archives.filter(({ main }) => main !== null)
  const wars = archives.filter(({ path, main, error }) => path.endsWith('.war') && main === null && error === null)
  const candidates = [...starts, ...wars]
  const [only] = candidates
  if (candidates.length > 1)
    throw invalidFile(
      `Several archives could be what web runs: ${candidates
        .slice(0, 10)
        .map(({ path }) => path)
        .join(', ')}. Say which in a Procfile, such as "web: java -jar ${only?.path ?? 'app.jar'}".`,
    )
  if (!only) throw nothingRuns(archives)
  if (only.main === null) return { kind: 'war', path: checkedPath(only.path), migrate: only.servlet === 'javax' }
  return { kind: 'jar', path: checkedPath(only.path), spring: only.spring }
}

function nothingRuns(archives: Archive[]): Error {
  if (archives.length === 0)
    return invalidFile(
      'There is no .jar or .war in the root, target/ or build/libs/ to run. Let the build make one, or say what to run in a Procfile, such as "web: java -cp target/classes com.example.Main".',
    )
  const why = archives
    .slice(0, 10)
    .map(
      ({ path, error }) =>
        `${path} ${error === null ? 'has no Main-Class in its manifest' : `cannot be read (${error})`}`,
    )
  return invalidFile(
    `Nothing here starts by itself: ${why.join('; ')}. Make the .jar executable (Main-Class), or say what to run in a Procfile, such as "web: java -cp app.jar com.example.Main".`,
  )
}

/** It becomes part of a command line. */
function checkedPath(path: string): string {
  if (/^[\w.@+/-]{1,300}$/.test(path)) return path
  throw invalidFile(
    `${JSON.stringify(path.slice(0, 200))} has a name that is not put into a command as it is. Rename it, or run it by a Procfile.`,
  )
}

/** The options by which frameworks take the port to listen on; the app's own JAVA_OPTS come after them. */
export const jarCommand = ({ path }: { path: string }): string =>
  `java -Dserver.port=$PORT -Dquarkus.http.port=$PORT $JAVA_OPTS -jar ${path}`
