/** Sends a file as RFC 9110 has it: type, validator, conditions, one range, compression. */
import { createHash } from 'node:crypto'
import { constants as files, createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { extname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { constants, createBrotliCompress, createGzip } from 'node:zlib'
import { isCompressible, typeOf } from './types.mjs'

const MIN_COMPRESSED_BYTES = 1024

export async function sendFile(request, response, { path }, status) {
  const type = typeOf(extname(path))
  const may = isCompressible(type)
  const ready = may && request.headers.range === undefined ? await readyCompressed(request, path) : null
  const file = ready?.file ?? (await open(path))
  try {
    const info = await file.stat()
    const mayNow = may && info.size >= MIN_COMPRESSED_BYTES
    const coding = ready?.coding ?? (mayNow && request.headers.range === undefined ? codingFor(request) : null)
    const tag = `"${await digestOf(ready?.path ?? path, info)}${coding && !ready ? `-${coding}` : ''}"`
    response.setHeader('ETag', tag)
    // A browser asks each time, and mostly hears 304: a new release is seen at once.
    if (!response.hasHeader('Cache-Control')) response.setHeader('Cache-Control', 'public, max-age=0, must-revalidate')
    if (mayNow || ready) response.appendHeader('Vary', 'Accept-Encoding')
    if (status === 200 && isUnchanged(request.headers, tag)) return response.writeHead(304).end()

    if (!response.hasHeader('Content-Type')) response.setHeader('Content-Type', type)
    if (coding) response.setHeader('Content-Encoding', coding)
    else response.setHeader('Accept-Ranges', 'bytes')
    const range = status === 200 && !coding ? rangeOf(request, info.size, tag) : null
    if (range === 'unsatisfiable') return sendUnsatisfiable(request, response, info.size)
    const { start, end } = range ?? { start: 0, end: info.size - 1 }
    if (range) response.setHeader('Content-Range', `bytes ${start}-${end}/${info.size}`)
    const isAsStored = coding === null || ready !== null
    if (isAsStored) response.setHeader('Content-Length', end - start + 1)
    response.writeHead(range ? 206 : status)
    if (request.method === 'HEAD' || info.size === 0) return response.end()
    if (isAsStored && end - start < MAX_READ_AT_ONCE) return response.end(await readPart(file, start, end))
    const bytes = createReadStream(path, { fd: file, start, end, autoClose: false })
    await (isAsStored ? pipeline(bytes, response) : pipeline(bytes, compressors[coding](), response))
  } finally {
    await file.close()
  }
}

/** A stream costs several times as much as such a file. */
const MAX_READ_AT_ONCE = 64 * 1024

/** @throws when the file is shorter by now */
async function readPart(file, start, end) {
  const part = Buffer.allocUnsafe(end - start + 1)
  for (let have = 0; have < part.length;) {
    const { bytesRead } = await file.read(part, have, part.length - have, start + have)
    if (bytesRead === 0) throw new Error('the file was cut short while it was read')
    have += bytesRead
  }
  return part
}

function sendUnsatisfiable(request, response, size) {
  response.removeHeader('ETag')
  return sendText(request, response, 416, 'The range is outside the file.', { 'Content-Range': `bytes */${size}` })
}

/** Location is the platform's own, or static.json's. */
export function sendRedirect(response, status, location) {
  response.writeHead(status, { Location: location, 'Content-Length': 0 }).end()
}

export function sendText(request, response, status, text, headers = {}) {
  const body = `${text}\n`
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    ...headers,
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

// ── validators and conditions ────────────────────────────────────────────────────────────────────────────────────────

const digests = new Map()
const MAX_DIGESTS = 10_000

/**
 * The start of the content's SHA-256. Times will not do, and none is sent as Last-Modified: all files of a release carry one
 * time, and so may those of the next. Content does not change with a release that left the file alone.
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

/** RFC 9110 §13.1.2: compared weakly. If-Modified-Since is passed over, as §13.1.3 asks where no such date is known. */
function isUnchanged(headers, tag) {
  const tags = headers['if-none-match']
  if (tags === undefined) return false
  return tags.trim() === '*' || tags.split(',').some((each) => each.trim().replace(/^W\//, '') === tag)
}

/** One range of bytes (RFC 9110 §14.2); what is not understood, several ranges, and another version mean the whole file. */
function rangeOf({ method, headers }, size, tag) {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(headers.range?.trim() ?? '')
  if (method !== 'GET' || !match || (match[1] === '' && match[2] === '')) return null
  const condition = headers['if-range']
  if (condition !== undefined && condition !== tag) return null
  if (match[1] === '') {
    const length = Math.min(Number(match[2]), size)
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size - 1 }
  }
  const start = Number(match[1])
  const last = match[2] === '' ? size - 1 : Number(match[2])
  if (match[2] !== '' && last < start) return null
  return start >= size ? 'unsatisfiable' : { start, end: Math.min(last, size - 1) }
}

// ── compression ──────────────────────────────────────────────────────────────────────────────────────────────────────

const compressors = {
  // Higher levels are for what is compressed once: they cost many times the time for a few per cent.
  br: () => createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }),
  gzip: () => createGzip({ level: 6 }),
}
const NO_FOLLOW = files.O_RDONLY | files.O_NOFOLLOW | files.O_NONBLOCK
const endings = { br: '.br', gzip: '.gz' }

/** A file that the build compressed already lies beside the one that was asked for. */
async function readyCompressed(request, path) {
  for (const coding of accepted(request)) {
    const ready = `${path}${endings[coding]}`
    // Beside a file that may be sent, and no link: so it may be sent too.
    const file = await open(ready, NO_FOLLOW).catch(() => null)
    if (file && (await file.stat()).isFile()) return { file, coding, path: ready }
    await file?.close()
  }
  return null
}

const codingFor = (request) => accepted(request)[0] ?? null

/** The codings to choose from, the best first (RFC 9110 §12.5.3): named, or covered by *, and not with a weight of 0. */
function accepted({ headers }) {
  const weights = new Map(
    (headers['accept-encoding'] ?? '').split(',').map((part) => {
      const [name, ...parameters] = part
        .trim()
        .toLowerCase()
        .split(/\s*;\s*/)
      const weight = parameters.find((parameter) => parameter.startsWith('q='))
      return [name, weight === undefined ? 1 : Number(weight.slice(2))]
    }),
  )
  const weightOf = (coding) => weights.get(coding) ?? weights.get('*') ?? 0
  return ['br', 'gzip'].filter((coding) => weightOf(coding) > 0).sort((a, b) => weightOf(b) - weightOf(a))
}
