/** Which Java an app asks for: as Heroku's system.properties has it, jenv's .java-version, or SDKMAN's .sdkmanrc. */
import { invalidFile } from '../contract.ts'

/** Those of Debian 13, the usual one first. All of them run what was compiled for an older one. */
export const javaVersions = ['21', '25'] as const

export const versionFiles = ['system.properties', '.java-version', '.sdkmanrc'] as const
export type VersionFile = { name: (typeof versionFiles)[number]; text: string }

type Asked = { version: string; line: number }

const readers: Record<VersionFile['name'], (text: string) => Asked | null> = {
  'system.properties': (text) => find(text, /^\s*java\.runtime\.version\s*[=:\s]\s*(\S+)\s*$/),
  '.java-version': (text) => find(text, /^\s*([^\s#]+)\s*$/),
  '.sdkmanrc': (text) => find(text, /^\s*java\s*=\s*(\S+)\s*$/),
}

function find(text: string, pattern: RegExp): Asked | null {
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const version = pattern.exec(line)?.[1]
    if (version !== undefined) return { version, line: index + 1 }
  }
  return null
}

/**
 * The major version for the app, and why, for the pusher.
 * @param files those that there are, the decisive first
 * @throws BuildFailure naming the file, the line and the versions that there are
 */
export function javaVersion(files: VersionFile[]): { range: string; reason: string } {
  for (const { name, text } of files) {
    const asked = readers[name](text)
    if (asked)
      return { range: checkedMajor(name, asked), reason: `${name} asks for Java ${asked.version.slice(0, 40)}` }
  }
  return {
    range: javaVersions[0],
    reason: `the usual one; choose another by a line java.runtime.version=${javaVersions[1]} in system.properties`,
  }
}

/** `21`, `21.0.2`, `1.8`, `temurin-21.0.2`, `openjdk64-21.0.2`, `21.0.2-tem`. */
function checkedMajor(file: string, { version, line }: Asked): string {
  const major = /^(?:[a-z][a-z0-9_]*-)?(?:1\.)?(\d{1,3})(?:[.+_-].*)?$/i.exec(version)?.[1]
  if (major !== undefined && (javaVersions as readonly string[]).includes(major)) return major
  const way =
    major !== undefined && Number(major) < Number(javaVersions[0])
      ? `Java ${javaVersions[0]} runs what was compiled for ${major}: write ${javaVersions[0]} there`
      : 'Write one of these there'
  throw invalidFile(
    `${file} line ${line} asks for Java ${JSON.stringify(version.slice(0, 60))}; there are ${javaVersions.join(' and ')}. ${way} and push again.`,
  )
}
