/** ◆ static.json, as Heroku's buildpack for static sites has it: checked here, so that the server can trust what it reads. */
import { invalidFile } from '../contract.ts'
import { isObject, lineOf, parseJsonObject, type JsonObject } from '../json-object.ts'

export type SiteSettings = {
  /** The folder that is served, from the app's; null: not said. */
  root: string | null
  /** `/about` serves about.html, and `/about.html` leads there. */
  cleanUrls: boolean
  /** What came over plain HTTP is sent to https. */
  httpsOnly: boolean
  /** Served with status 404 for what there is not. */
  errorPage: string | null
  /** Files that answer paths which name no file; the first that matches. */
  routes: { pattern: string; file: string }[]
  redirects: { from: string; to: string; status: number }[]
  headers: { pattern: string; set: Record<string, string> }[]
}

export const noSettings: SiteSettings = {
  root: null,
  cleanUrls: false,
  httpsOnly: false,
  errorPage: null,
  routes: [],
  redirects: [],
  headers: [],
}

/** What the settings are, and what of the file they leave aside, for the pusher. */
export type Parsed = { settings: SiteSettings; warnings: string[] }

type Reader = (value: unknown, path: string[], text: string) => Partial<SiteSettings>

const readers: Record<string, Reader> = {
  root: (value, path, text) => ({ root: folder(value, path, text) }),
  clean_urls: (value, path, text) => ({ cleanUrls: flag(value, path, text) }),
  https_only: (value, path, text) => ({ httpsOnly: flag(value, path, text) }),
  error_page: (value, path, text) => ({ errorPage: file(value, path, text) }),
  routes: (value, path, text) => ({
    routes: entries(value, path, text).map(([pattern, target]) => ({
      pattern: checkedPattern(pattern, path, text),
      file: file(target, [...path, pattern], text),
    })),
  }),
  redirects: (value, path, text) => ({
    redirects: entries(value, path, text).map(([from, target]) => redirect(from, target, path, text)),
  }),
  headers: (value, path, text) => ({
    headers: entries(value, path, text).map(([pattern, set]) => ({
      pattern: checkedPattern(pattern, path, text),
      set: headers(set, [...path, pattern], text),
    })),
  }),
}

/** Left aside, these would leave a site open, or broken, without a word. */
const refusals: Record<string, string> = {
  basic_auth:
    'is not done by the app here: remove it and run `berth access:users:add`, which asks for a password before the app',
  proxies: 'is not done by the static server: route the path to another app instead (berth routing)',
}

/** @throws BuildFailure naming the line and the reason */
export function parseStaticJson(text: string): Parsed {
  const json = parseJsonObject('static.json', text)
  let settings = noSettings
  const warnings: string[] = []
  for (const [name, value] of Object.entries(json)) {
    const refusal = Object.hasOwn(refusals, name) ? refusals[name] : undefined
    if (refusal !== undefined) throw wrong(text, [name], refusal)
    const read = Object.hasOwn(readers, name) ? readers[name] : undefined
    if (read) settings = { ...settings, ...read(value, [name], text) }
    else warnings.push(`static.json: ${JSON.stringify(name.slice(0, 80))} is not known here and is left aside.`)
  }
  return { settings, warnings }
}

function wrong(text: string, path: string[], problem: string) {
  const line = lineOf(text, path)
  return invalidFile(
    `static.json${line === null ? '' : ` line ${line}`}: ${JSON.stringify(path.join(' › ').slice(0, 120))} ${problem}. Correct it and push again.`,
  )
}

const got = (value: unknown) => `got ${(JSON.stringify(value) ?? 'nothing').slice(0, 100)}`

function flag(value: unknown, path: string[], text: string): boolean {
  if (typeof value !== 'boolean') throw wrong(text, path, `must be true or false, ${got(value)}`)
  return value
}

/** @returns the path without what means the same: `./dist/` is dist */
function folder(value: unknown, path: string[], text: string): string {
  const parts = typeof value === 'string' ? value.split('/').filter((part) => part !== '' && part !== '.') : null
  if (parts?.every((part) => /^[\w.@+-]+$/.test(part) && part !== '..') && parts.length < 20)
    return parts.join('/') || '.'
  throw wrong(text, path, `must be a folder of the app such as "dist", of letters, digits and .@+_-, ${got(value)}`)
}

function file(value: unknown, path: string[], text: string): string {
  const parts = typeof value === 'string' ? value.split('/').filter((part) => part !== '' && part !== '.') : []
  if (parts.length > 0 && parts.every((part) => part !== '..' && !/\p{Cc}/u.test(part))) return parts.join('/')
  throw wrong(text, path, `must be a file of the site such as "404.html", ${got(value)}`)
}

function entries(value: unknown, path: string[], text: string): [string, unknown][] {
  if (!isObject(value)) throw wrong(text, path, `must be an object, ${got(value)}`)
  const all = Object.entries(value)
  if (all.length > MAX_ENTRIES) throw wrong(text, path, `has ${all.length} entries; at most ${MAX_ENTRIES} are read`)
  return all
}

const MAX_ENTRIES = 1000

function checkedPattern(pattern: string, path: string[], text: string): string {
  // Each star may be tried at every place of a path; a handful keeps that a matter of microseconds.
  const stars = pattern.match(/\*+/g)?.length ?? 0
  if (pattern.startsWith('/') && pattern.length <= 500 && stars <= 4) return pattern
  throw wrong(text, [...path, pattern], 'must be a path that begins with "/", with at most four stars')
}

const statuses = [301, 302, 303, 307, 308]

function redirect(from: string, value: unknown, path: string[], text: string): SiteSettings['redirects'][number] {
  const place = [...path, from]
  const { url, status = 302 }: JsonObject = isObject(value) ? value : {}
  if (typeof url !== 'string' || !/^(?:\/(?!\/)|https?:\/\/)[\x21-\x7e]*$/.test(url))
    throw wrong(text, place, `must have a "url" that is a path or begins with http:// or https://, ${got(value)}`)
  if (!statuses.includes(status as number))
    throw wrong(text, [...place, 'status'], `must be one of ${statuses.join(', ')}, ${got(status)}`)
  return { from: checkedPattern(from, path, text), to: url, status: status as number }
}

/** Those that say how a message is framed, or what the server itself decides. */
const reserved = [
  'connection',
  'content-encoding',
  'content-length',
  'content-range',
  'date',
  'etag',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]

function headers(value: unknown, path: string[], text: string): Record<string, string> {
  return Object.fromEntries(
    entries(value, path, text).map(([name, content]) => {
      const place = [...path, name]
      if (!/^[!#$%&'*+.^_`|~\w-]{1,100}$/.test(name))
        throw wrong(text, place, 'cannot be the name of a header (RFC 9110 §5.1)')
      if (reserved.includes(name.toLowerCase())) throw wrong(text, place, 'is a header that only the server sets')
      if (typeof content !== 'string' || !/^[\t\x20-\x7e\x80-\xff]{0,8000}$/.test(content))
        throw wrong(text, place, `must be a text of one line, ${got(content)}`)
      return [name, content]
    }),
  )
}
