/** What a request asks for, and what static.json says about it. */

/**
 * The decoded parts of the path; null when it is malformed. `/a//b/` has the parts a and b and names a folder. A part can be
 * anything but `.`, `..` or what holds a slash, backslash or NUL: each is one name in one folder.
 * `path` is built from the parts, so that a redirect to it can only lead to this site.
 */
export function parseTarget(url) {
  const target = url.replace(/^https?:\/\/[^/?#]*/i, '')
  const end = target.search(/[?#]/)
  const path = end < 0 ? target : target.slice(0, end)
  const query = end < 0 || target[end] === '#' ? '' : target.slice(end)
  if (path !== '' && !path.startsWith('/')) return null
  let segments
  try {
    segments = path.split('/').filter(Boolean).map(decodeURIComponent)
  } catch {
    return null
  }
  if (segments.some((segment) => segment === '.' || segment === '..' || /[/\0]/.test(segment))) return null
  const built = segments.map((segment) => `/${encodeURIComponent(segment)}`).join('')
  return {
    segments,
    asFolder: path === '' || path.endsWith('/'),
    query,
    path: built,
    /** Without the ending of a page. */
    clean: built.replace(/(?:(?<=^|\/)index)?\.html$/, '').replace(/(?<=.)\/$/, '') || '/',
    /** As patterns see it. */
    plain: `/${segments.join('/')}${path.endsWith('/') && segments.length > 0 ? '/' : ''}`,
  }
}

const patterns = new Map()

/** `*` is anything within a folder, `**` anything. */
function matches(pattern, path) {
  let compiled = patterns.get(pattern)
  if (!compiled) {
    const source = pattern
      .split(/(\*\*|\*)/)
      .map((part) => (part === '**' ? '.*' : part === '*' ? '[^/]*' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')))
      .join('')
    compiled = new RegExp(`^${source}$`)
    patterns.set(pattern, compiled)
  }
  return compiled.test(path)
}

/** Of all patterns that match, in their order: a later one wins. */
export const headersFor = ({ headers }, { plain }) =>
  headers.filter(({ pattern }) => matches(pattern, plain)).flatMap(({ set }) => Object.entries(set))

export function redirectFor({ redirects }, { plain, query }) {
  const found = redirects.find(({ from }) => matches(from, plain) || matches(from, plain.replace(/\/$/, '')))
  return found ? { status: found.status, to: found.to.includes('?') ? found.to : found.to + query } : null
}

/** The file that is sent instead of one that there is not: a route's, or for a page the single page's own; or null. */
export function rewritten({ routes, fallback }, { plain, segments }, headers) {
  const route = routes.find(({ pattern }) => matches(pattern, plain))
  const isPage = !segments.at(-1)?.includes('.') && /text\/html|\*\/\*/.test(headers.accept ?? '*/*')
  return route?.file ?? (isPage ? fallback : null)
}

/** The same address over TLS, when the router says that this request did not come that way; null when it did. */
export function secureAddress(headers, { path, asFolder, query }) {
  const host = /^[\w.-]+/.exec(headers.host ?? '')?.[0]
  if (headers['x-forwarded-proto'] !== 'http' || host === undefined) return null
  return `https://${host}${path}${asFolder ? '/' : ''}${query}`
}
