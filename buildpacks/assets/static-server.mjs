/**
 * Serves a folder of files over HTTP: `PORT=5000 node static-server.mjs FOLDER`.
 *
 * It is copied into the app and runs there on any Node from 20 on, so it is one file of plain JavaScript that needs nothing.
 * Only GET and HEAD; content types, validators, single ranges, gzip. It never answers with a file outside its folder.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, realpath, stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setImmediate } from 'node:timers'
import { createGzip } from 'node:zlib'

const types = {
  '.html': 'text/html; charset=utf-8',
  '.htm': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.xml': 'application/xml; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.md': 'text/markdown; charset=utf-8',
  '.csv': 'text/csv; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
  '.avif': 'image/avif',
  '.ico': 'image/x-icon',
  '.pdf': 'application/pdf',
  '.wasm': 'application/wasm',
  '.woff': 'font/woff',
  '.woff2': 'font/woff2',
  '.ttf': 'font/ttf',
  '.otf': 'font/otf',
  '.mp3': 'audio/mpeg',
  '.ogg': 'audio/ogg',
  '.wav': 'audio/wav',
  '.mp4': 'video/mp4',
  '.webm': 'video/webm',
  '.zip': 'application/zip',
}
const compressible = /charset=utf-8|^application\/wasm|^font\/[ot]tf/
const MIN_GZIP_BYTES = 1024

/** Files in the root of a repository that are for the platform. */
const notForVisitors = new Set(['Procfile'])

const root = await realpath(process.argv[2] ?? '.').catch((error) =>
  fail(`The folder cannot be served: ${error.message}`),
)
const port = Number(process.env.PORT)
if (!Number.isInteger(port) || port < 0 || port > 65535) fail(`PORT must be a port number, got ${process.env.PORT}.`)

let draining = false
const server = createServer((request, response) => {
  // Errors of a request whose client went away have nobody to be told to.
  answer(request, response).catch((error) => {
    if (response.headersSent || response.destroyed) return response.destroy()
    console.error(`${request.method} ${request.url}: ${error.message}`)
    sendText(request, response, 500, 'The file could not be read.')
  })
})
server.on('error', (error) => fail(`Cannot listen on port ${port}: ${error.message}`))
server.listen(port, '0.0.0.0', () => console.log(`static server listening on port ${server.address().port}`))
process.once('SIGTERM', drain)
process.once('SIGINT', drain)

/** Takes no new connection, ends the idle ones and lets the others finish. */
function drain() {
  draining = true
  server.close(() => process.exit(0))
  server.closeIdleConnections()
}

async function answer(request, response) {
  if (draining) response.setHeader('Connection', 'close')
  // A connection whose answer began before the end was asked for would stay open, idle, and hold the process.
  response.once('close', () => setImmediate(() => draining && server.closeIdleConnections()))
  response.setHeader('X-Content-Type-Options', 'nosniff')
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return sendText(request, response, 405, 'Only GET and HEAD are possible here.', { Allow: 'GET, HEAD' })
  const wanted = parseTarget(request.url ?? '/')
  if (!wanted) return sendText(request, response, 400, 'The address is malformed.')
  const found = await locate(wanted)
  if (found === 'folder') return sendRedirect(response, wanted)
  if (found) return sendFile(request, response, found, 200)
  const page = await locate({ segments: ['404.html'], asFolder: false, query: '' })
  if (page && page !== 'folder') return sendFile(request, response, page, 404)
  return sendText(request, response, 404, 'There is no such page.')
}

/**
 * The decoded parts of the path; null when it is malformed. `/a//b/` has the parts a and b and names a folder. A part can be
 * anything but `.`, `..` or what holds a slash or NUL: each is one name in one folder.
 */
function parseTarget(url) {
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
  return { segments, asFolder: path === '' || path.endsWith('/'), query }
}

/** @returns the file to send, 'folder' when the visitor must ask with a slash at the end, or null */
async function locate({ segments, asFolder }) {
  const path = await inside(join(root, ...segments))
  if (path === null) return null
  const status = await stat(path)
  if (status.isFile()) return asFolder ? null : { path }
  if (!status.isDirectory()) return null
  const index = await inside(join(path, 'index.html'))
  if (index === null || !(await stat(index)).isFile()) return null
  return asFolder ? { path: index } : 'folder'
}

/** The real path, when links do not lead out of the folder or to a hidden file; else null. */
async function inside(path) {
  let real
  try {
    real = await realpath(path)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'EACCES'].includes(error.code)) return null
    throw error
  }
  if (real === root) return real
  const prefix = root === sep ? sep : root + sep
  if (!real.startsWith(prefix)) return null
  const names = real.slice(prefix.length).split(sep)
  const hidden = names.some((name, depth) => name.startsWith('.') && !(depth === 0 && name === '.well-known'))
  return hidden || (names.length === 1 && notForVisitors.has(names[0])) ? null : real
}

async function sendFile(request, response, { path }, status) {
  const file = await open(path)
  try {
    const info = await file.stat()
    const type = types[extname(path).toLowerCase()] ?? 'application/octet-stream'
    const mayZip = compressible.test(type) && info.size >= MIN_GZIP_BYTES
    const zipped = mayZip && request.headers.range === undefined && acceptsGzip(request.headers['accept-encoding'])
    const modified = new Date(Math.floor(info.mtimeMs / 1000) * 1000)
    const tag = `"${await digestOf(path, info)}${zipped ? '-gzip' : ''}"`
    response.setHeader('ETag', tag)
    response.setHeader('Last-Modified', modified.toUTCString())
    // A browser asks each time, and mostly hears 304: a new release is seen at once.
    response.setHeader('Cache-Control', 'public, max-age=0, must-revalidate')
    if (mayZip) response.setHeader('Vary', 'Accept-Encoding')
    if (status === 200 && isUnchanged(request.headers, tag, modified)) return response.writeHead(304).end()

    response.setHeader('Content-Type', type)
    if (zipped) response.setHeader('Content-Encoding', 'gzip')
    else response.setHeader('Accept-Ranges', 'bytes')
    const range = status === 200 && !zipped ? rangeOf(request, info.size, tag, modified) : null
    if (range === 'unsatisfiable') {
      response.removeHeader('ETag')
      return sendText(request, response, 416, 'The range is outside the file.', {
        'Content-Range': `bytes */${info.size}`,
      })
    }
    const { start, end } = range ?? { start: 0, end: info.size - 1 }
    if (range) response.setHeader('Content-Range', `bytes ${start}-${end}/${info.size}`)
    if (!zipped) response.setHeader('Content-Length', end - start + 1)
    response.writeHead(range ? 206 : status)
    if (request.method === 'HEAD' || info.size === 0) return response.end()
    const bytes = createReadStream(path, { fd: file, start, end, autoClose: false })
    await (zipped ? pipeline(bytes, createGzip({ level: 6 }), response) : pipeline(bytes, response))
  } finally {
    await file.close()
  }
}

const digests = new Map()
const MAX_DIGESTS = 10_000

/**
 * The start of the content's SHA-256. Times will not do: all files of a release carry its commit's time, and two commits may
 * share a second. Content does not change with a release that left the file alone.
 */
async function digestOf(path, { size, mtimeMs, ino }) {
  const version = `${ino} ${size} ${mtimeMs}`
  const known = digests.get(path)
  if (known?.version === version) return known.digest
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  const digest = hash.digest('base64url').slice(0, 22)
  if (digests.size >= MAX_DIGESTS) digests.clear()
  digests.set(path, { version, digest })
  return digest
}

/** RFC 9110 §13.2.2: If-None-Match decides alone when it is there, and compares weakly. */
function isUnchanged(headers, tag, modified) {
  const tags = headers['if-none-match']
  if (tags !== undefined)
    return tags.trim() === '*' || tags.split(',').some((each) => each.trim().replace(/^W\//, '') === tag)
  const since = Date.parse(headers['if-modified-since'] ?? '')
  return !Number.isNaN(since) && modified.getTime() <= since
}

/** One range of bytes (RFC 9110 §14.2); what is not understood, several ranges, and another version mean the whole file. */
function rangeOf({ method, headers }, size, tag, modified) {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(headers.range?.trim() ?? '')
  if (method !== 'GET' || !match || (match[1] === '' && match[2] === '')) return null
  const condition = headers['if-range']
  if (condition !== undefined && condition !== tag && condition !== modified.toUTCString()) return null
  if (match[1] === '') {
    const length = Math.min(Number(match[2]), size)
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size - 1 }
  }
  const start = Number(match[1])
  const last = match[2] === '' ? size - 1 : Number(match[2])
  if (match[2] !== '' && last < start) return null
  return start >= size ? 'unsatisfiable' : { start, end: Math.min(last, size - 1) }
}

/** RFC 9110 §12.5.3: named, or covered by *, and not with a weight of 0. */
function acceptsGzip(header = '') {
  const weights = new Map(
    header.split(',').map((part) => {
      const [name, ...parameters] = part
        .trim()
        .toLowerCase()
        .split(/\s*;\s*/)
      const weight = parameters.find((parameter) => parameter.startsWith('q='))
      return [name, weight === undefined ? 1 : Number(weight.slice(2))]
    }),
  )
  return (weights.get('gzip') ?? weights.get('*') ?? 0) > 0
}

/** Built from the decoded parts, so that it can only lead to a folder of this site. */
function sendRedirect(response, { segments, query }) {
  const location = `/${segments.map(encodeURIComponent).join('/')}/${query}`
  response.writeHead(301, { Location: location, 'Content-Length': 0 }).end()
}

function sendText(request, response, status, text, headers = {}) {
  const body = `${text}\n`
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    ...headers,
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

function fail(message) {
  console.error(message)
  process.exit(1)
}
