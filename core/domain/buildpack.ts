/** How people name buildpacks: by one of Berth's own names, by a name that the operator offers, or by a URL. */

export type BuildpackSource =
  /** One of Berth's own. */
  | { kind: 'own'; name: string }
  /** A folder of the operator's, BERTH_HOME/buildpacks/NAME; `ref` if it is a git repository. */
  | { kind: 'offered'; name: string; ref: string | null }
  /** A git repository; ref: a branch, a tag or a commit, null: its default branch. */
  | { kind: 'git'; url: string; ref: string | null }
  /** A tar archive, compressed with gzip. */
  | { kind: 'archive'; url: string }

export const ownBuildpacks = [
  'node',
  'bun',
  'deno',
  'python',
  'ruby',
  'php',
  'java',
  'go',
  'static',
  'procfile',
] as const

/** Heroku's short names, for which Berth has a buildpack of its own. */
const herokuNames: Record<string, string> = {
  'heroku/nodejs': 'node',
  'heroku/python': 'python',
  'heroku/ruby': 'ruby',
  'heroku/php': 'php',
  'heroku/java': 'java',
  'heroku/jvm': 'java',
  'heroku/gradle': 'java',
  'heroku/go': 'go',
  'heroku/procfile': 'procfile',
}

export const MAX_BUILDPACKS = 20
const MAX_LENGTH = 300

export type ReadBuildpack = { ok: true; source: BuildpackSource } | { ok: false; why: string }

/**
 * Reads a buildpack as a person or an app.json names it.
 * @returns why it cannot be one, without the credentials that it may hold
 */
export function readBuildpack(text: string): ReadBuildpack {
  const name = text.replace(/^urn:buildpack:/, '')
  if (name.length > MAX_LENGTH) return refused(`a buildpack's name or URL has at most ${MAX_LENGTH} characters`)
  if (/^[a-z][a-z0-9+.-]*:/i.test(name) || name.startsWith('git@')) return readUrl(name)
  const own = Object.hasOwn(herokuNames, name) ? herokuNames[name] : name
  if (own !== undefined && isOwn(own)) return taken({ kind: 'own', name: own })
  const heroku = /^heroku\/([a-z][a-z0-9-]*)$/.exec(name)
  if (heroku)
    return taken({ kind: 'git', url: `https://github.com/heroku/heroku-buildpack-${heroku[1]}.git`, ref: null })
  return readOffered(name)
}

export const isOwn = (name: string): boolean => (ownBuildpacks as readonly string[]).includes(name)

function readOffered(text: string): ReadBuildpack {
  const [name = '', ref = null, ...more] = text.split('#')
  if (isOfferedName(name) && (ref === null || isRef(ref)) && more.length === 0)
    return taken({ kind: 'offered', name, ref })
  const shown = JSON.stringify(text.slice(0, 100))
  if (/^[\w-]+\/[\w-]+$/.test(text))
    return refused(`${shown} names a buildpack of Heroku's registry; give its URL, like https://github.com/${text}.git`)
  return refused(`${shown} is neither a buildpack's name (lower-case letters, digits, dashes) nor an https URL`)
}

function readUrl(text: string): ReadBuildpack {
  if (!URL.canParse(text) || text.startsWith('git@'))
    return refused(`${JSON.stringify(withoutCredentials(text).slice(0, 100))} is not a URL; only https is fetched`)
  const url = new URL(text)
  const shown = JSON.stringify(withoutCredentials(text))
  if (url.protocol !== 'https:') return refused(`${shown} is not an https URL, and nothing else is fetched`)
  if (url.username !== '' || url.password !== '')
    return refused(
      `${shown} was given with credentials, which would be shown wherever the URL is. ` +
        'Put them into the config var BUILDPACK_CREDENTIALS instead, as https://USER:TOKEN@HOST, and leave them out here',
    )
  // What is left could change the meaning of a line of a log, or of git's own configuration.
  if (!/^[\x21-\x7e]+$/.test(text)) return refused(`${shown} holds characters that a URL does not have`)
  const ref = url.hash === '' ? null : decoded(url.hash.slice(1))
  if (ref !== null && !isRef(ref)) return refused(`${JSON.stringify(ref.slice(0, 100))} is no branch, tag or commit`)
  url.hash = ''
  if (/\.(tgz|tar\.gz)$/.test(url.pathname)) return taken({ kind: 'archive', url: url.href })
  return taken({ kind: 'git', url: url.href, ref })
}

const taken = (source: BuildpackSource): ReadBuildpack => ({ ok: true, source })
const refused = (why: string): ReadBuildpack => ({ ok: false, why })

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** It is the name of a folder of the operator's. */
export const isOfferedName = (name: string): boolean => /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) && name.length <= 60

/** Of the names that git takes (git-check-ref-format(1)) those that need no quoting anywhere and are no option. */
export const isRef = (text: string): boolean =>
  /^[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}$/.test(text) && !/\.\.|\/\/|\/\.|\.lock(\/|$)|[./]$/.test(text)

/** For people, and for what is stored: what it is called, without credentials. */
export function describeBuildpack(source: BuildpackSource): string {
  switch (source.kind) {
    case 'own':
      return source.name
    case 'offered':
      return source.name + (source.ref === null ? '' : `#${source.ref}`)
    case 'git':
      return source.url + (source.ref === null ? '' : `#${source.ref}`)
    case 'archive':
      return source.url
  }
}

/** A word for it in lists: the last part of its URL, as `heroku-buildpack-apt` is `apt`. */
export function shortName(source: BuildpackSource): string {
  if (source.kind === 'own' || source.kind === 'offered') return source.name
  const last = new URL(source.url).pathname.split('/').findLast((part) => part !== '') ?? 'buildpack'
  const short = last.replace(/\.(git|tgz|tar\.gz)$/, '').replace(/^heroku-buildpack-/, '')
  return short.replace(/[^\w.-]+/g, '-').slice(0, 40) || 'buildpack'
}

/** The same text with the part of a URL before `@` left out. */
export const withoutCredentials = (text: string): string => text.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, '$1')

/** The folder of a repository that holds the app, as it is stored. @returns null when it leads elsewhere or needs quoting */
export function readRoot(text: string): string | null {
  const path = text.replace(/^\.\//, '').replace(/\/+$/, '')
  const isPlain = /^[A-Za-z0-9._@+-]+(\/[A-Za-z0-9._@+-]+)*$/.test(path) && path.length <= 200
  return isPlain && path.split('/').every((part) => part !== '..' && part !== '.') ? path : null
}
