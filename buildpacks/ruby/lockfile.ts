/** Gemfile.lock and the few lines of a Gemfile that decide a build, by their text alone. Pure. */

export type Lockfile = {
  /** Names of all gems that are installed, direct or not. */
  gems: Set<string>
  /** `RUBY VERSION`, as far as three numbers go; null where the Gemfile names none. */
  ruby: string | null
  platforms: string[]
  /** A gem that lies in the app itself: its code is part of what is installed. */
  local: boolean
  /** A gem that comes from a git repository. */
  git: boolean
}

/** Bundler's own format: headings at the start of a line, gems indented by four, what they need by six. */
export function parseLockfile(text: string): Lockfile {
  const found: Lockfile = { gems: new Set(), ruby: null, platforms: [], local: false, git: false }
  let section = ''
  for (const line of text.split(/\r?\n/)) {
    if (/^[A-Z]/.test(line)) {
      section = line.trim()
      found.local ||= section === 'PATH'
      found.git ||= section === 'GIT'
    } else if (section === 'PLATFORMS' && line.trim() !== '') found.platforms.push(line.trim())
    else if (section === 'RUBY VERSION') found.ruby ??= /^\s+ruby (\d+\.\d+(?:\.\d+)?)/.exec(line)?.[1] ?? null
    else if (['GEM', 'GIT', 'PATH'].includes(section)) {
      const [, name] = /^ {4}([A-Za-z0-9][\w.-]*) \(/.exec(line) ?? []
      if (name !== undefined) found.gems.add(name)
    }
  }
  return found
}

/** Whether what is locked can be installed on a host of this kind: `ruby` is for all. */
export const fitsPlatform = (platforms: string[], architecture: string): boolean =>
  platforms.length === 0 ||
  platforms.some(
    (platform) => platform === 'ruby' || (platform.startsWith(`${architecture}-linux`) && !platform.endsWith('-musl')),
  )

export type AskedRuby = { file: string; asked: string; range: string }

/**
 * `ruby "3.3.5"`, `ruby "~> 3.3"`, `.ruby-version`: which line of Ruby it takes. Bundler holds the app to the rest.
 * @returns null when neither says it in a way that can be read without running it
 */
export function askedRuby(gemfile: string, versionFile: string | null): AskedRuby | null {
  const [, text] = /^\s*ruby\s*\(?\s*["']([^"']{1,40})["']\s*\)?\s*(?:#.*)?$/m.exec(gemfile) ?? []
  if (text !== undefined) return { file: 'Gemfile', asked: text, range: rangeOf(text) }
  const asked = versionFile?.trim().replace(/^ruby-/, '')
  return asked ? { file: '.ruby-version', asked: asked.slice(0, 40), range: rangeOf(asked) } : null
}

/** RubyGems' operators as semver's; a patch is left out, since the stack's moves with security fixes. */
function rangeOf(text: string): string {
  const [, operator = '=', version = ''] = /^\s*(~>|>=|<=|>|<|=)?\s*(\d+(?:\.\d+){0,2})\s*$/.exec(text) ?? []
  if (version === '') return text
  const [major = '', minor, patch] = version.split('.')
  const line = minor === undefined ? major : `${major}.${minor}`
  if (operator === '=') return line
  // The last number that is given may grow: `~> 3.3` is 3.3 and above below 4, `~> 3.3.1` is 3.3.
  if (operator === '~>') return patch === undefined && minor !== undefined ? `>=${line} <${Number(major) + 1}` : line
  return `${operator}${line}`
}
