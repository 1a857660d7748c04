/** What requirements files ask for: the part of pip's format that decides a build, without the rest. Pure. */

export type Requirements = {
  /** Names of packages, as PyPI compares them (PEP 503). */
  packages: string[]
  /** Other files that it names, as written: `-r`, `-c`. */
  includes: string[]
  /** A path of the app's own is installed, so its code is part of what is installed. */
  local: boolean
  /** Packages are asked for as source, to be compiled. */
  compiles: boolean
}

/** @param text of one file, whose includes are left to the caller */
export function parseRequirements(text: string): Requirements {
  const found: Requirements = { packages: [], includes: [], local: false, compiles: false }
  for (const line of logicalLines(text)) {
    const [, file] = /^(?:-[rc]|--requirement|--constraint)[\s=]*(\S.*)$/.exec(line) ?? []
    if (file !== undefined) found.includes.push(file.trim())
    else if (/^--no-binary\b/.test(line)) found.compiles = true
    else if (/^(?:-e|--editable)\b/.test(line)) found.local = true
    else if (line.startsWith('-')) continue
    else if (/^(?:\.{0,2}\/|\.$|file:)/.test(line) || /\s@\s+(?:file:|\.)/.test(line)) found.local = true
    else {
      const name = packageName(line)
      if (name !== null) found.packages.push(name)
    }
    if (/\.(?:tar\.gz|zip)(?:[#\s;]|$)/.test(line)) found.compiles = true
  }
  return found
}

/** A backslash at its end continues a line; a comment begins with `#` at the start or after a blank. */
const logicalLines = (text: string): string[] =>
  text
    .replace(/\\\r?\n/g, ' ')
    .split(/\r?\n/)
    .map((line) => line.replace(/(?:^|\s)#.*/, '').trim())
    .filter((line) => line !== '')

/** `Flask_SQLAlchemy[x]>=3 ; python_version > "3"` is `flask-sqlalchemy`. @returns null when it begins otherwise */
export function packageName(requirement: string): string | null {
  const [, name] = /^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:$|[[(<>=!~;@\s])/.exec(requirement) ?? []
  return name === undefined ? null : name.toLowerCase().replace(/[-_.]+/g, '-')
}
