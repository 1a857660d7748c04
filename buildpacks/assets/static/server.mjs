/**
 * Serves a folder of files over HTTP: `PORT=5000 node server.mjs FOLDER`. What static.json asks for is in settings.json beside
 * this file, checked by the buildpack that wrote it.
 *
 * It is copied into the app and runs there on any Node from 20 on, so it is plain JavaScript that needs nothing.
 * Only GET and HEAD; content types, validators, single ranges, compression. It never answers with a file outside its folder.
 */
import { readFile, realpath } from 'node:fs/promises'
import { createServer } from 'node:http'
import { setImmediate } from 'node:timers'
import { createLocate } from './locate.mjs'
import { headersFor, parseTarget, redirectFor, rewritten, secureAddress } from './rules.mjs'
import { sendFile, sendRedirect, sendText } from './send.mjs'

const root = await realpath(process.argv[2] ?? '.').catch((error) =>
  fail(`The folder cannot be served: ${error.message}`),
)
const port = Number(process.env.PORT)
if (!Number.isInteger(port) || port < 0 || port > 65535) fail(`PORT must be a port number, got ${process.env.PORT}.`)
const settings = await readSettings()
const locate = createLocate(root, settings)

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

async function readSettings() {
  const text = await readFile(new URL('settings.json', import.meta.url), 'utf8').catch((error) => {
    if (error.code === 'ENOENT') return '{}'
    throw error
  })
  const usual = {
    cleanUrls: false,
    httpsOnly: false,
    fallback: null,
    errorPage: null,
    routes: [],
    redirects: [],
    headers: [],
    hidden: [],
  }
  return { ...usual, ...JSON.parse(text) }
}

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
  const secure = settings.httpsOnly ? secureAddress(request.headers, wanted) : null
  if (secure !== null) return sendRedirect(response, 301, secure)
  for (const [name, value] of headersFor(settings, wanted)) response.setHeader(name, value)
  const redirect = redirectFor(settings, wanted)
  if (redirect) return sendRedirect(response, redirect.status, redirect.to)
  return answerWithFile(request, response, wanted)
}

async function answerWithFile(request, response, wanted) {
  const found = await locate(wanted)
  if (found?.path) return sendFile(request, response, found, 200)
  if (found) return sendRedirect(response, 301, (found === 'folder' ? `${wanted.path}/` : wanted.clean) + wanted.query)
  const instead = rewritten(settings, wanted, request.headers)
  const other = instead === null ? null : await locate.file(instead)
  if (other) return sendFile(request, response, other, 200)
  const page = await locate.file(settings.errorPage ?? '404.html')
  if (page) return sendFile(request, response, page, 404)
  return sendText(request, response, 404, 'There is no such page.')
}

function fail(message) {
  console.error(message)
  process.exit(1)
}
