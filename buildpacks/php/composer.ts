/** composer.json: what of it decides a build. Pure. */
import { invalidFile } from '../contract.ts'
import { isObject, parseJsonObject, type JsonObject } from '../json-object.ts'

export type Composer = {
  /** The range of PHP versions as semver writes it; null: none is asked for. */
  php: { asked: string; range: string } | null
  /** Packages that are installed, without PHP itself, its extensions and libraries. */
  packages: string[]
  /** Packages, of the app's own or of an archive in it, come from the repository. */
  local: boolean
  /** The folder with the pages, by `extra.berth.document-root`. */
  documentRoot: string | null
  /** Classes are found by looking through the app's own folders. */
  classmap: boolean
  /** Names of its scripts. */
  scripts: string[]
}

const objectOf = (value: unknown): JsonObject => (isObject(value) ? value : {})

/** @throws BuildFailure when it is no JSON object, or its document root leaves the app */
export function parseComposer(text: string): Composer {
  const { require, repositories, extra, autoload, scripts } = parseJsonObject('composer.json', text)
  const asked = objectOf(require)['php']
  const packages = Object.keys(objectOf(require)).filter((name) => name.includes('/'))
  return {
    php: typeof asked === 'string' ? { asked, range: rangeOf(asked) } : null,
    packages,
    local: Object.values(objectOf(Array.isArray(repositories) ? { ...repositories } : repositories)).some((one) =>
      ['path', 'artifact'].includes(String(objectOf(one)['type'])),
    ),
    documentRoot: documentRootOf(objectOf(objectOf(extra)['berth'])['document-root']),
    classmap: objectOf(autoload)['classmap'] !== undefined,
    scripts: Object.keys(objectOf(scripts)),
  }
}

function documentRootOf(value: unknown): string | null {
  if (value === undefined) return null
  const folder = typeof value === 'string' ? value.replace(/\/+$/, '') : ''
  if (!/^[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/.test(folder) || folder.split('/').includes('..'))
    throw invalidFile(
      `extra.berth.document-root in composer.json must be a folder in the app such as "public", got ${JSON.stringify(value)?.slice(0, 100)}.`,
    )
  return folder
}

/**
 * Composer's constraints as semver's, for the version of PHP: a comma and a blank are "and", one bar is "or", and a tilde
 * lets the last number grow (https://getcomposer.org/doc/articles/versions.md).
 */
export function rangeOf(constraint: string): string {
  return constraint
    .split(/\s*\|\|?\s*/)
    .map((alternative) =>
      alternative
        .trim()
        .replace(/@\w+$/, '')
        .split(/\s*,\s*|\s+(?!-|\d)/)
        .map((one) =>
          one.replace(
            /^~(\d+)\.(\d+)$/,
            (_, major: string, minor: string) => `>=${major}.${minor} <${Number(major) + 1}`,
          ),
        )
        .map(withoutPatch)
        .join(' '),
    )
    .join(' || ')
}

/** The stack's patch moves with security fixes: `^8.4.2` is served by its 8.4, and `8.4.2` alone too. */
const withoutPatch = (one: string): string => one.replace(/^(\^|~|>=|==?)?(\d+\.\d+)\.\d+$/, '$1$2')
