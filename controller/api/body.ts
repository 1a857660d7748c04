/** Request bodies: one JSON object of at most 256 KiB, or nothing. */
import express, { type Request, type RequestHandler } from 'express'
import type { z } from 'zod'
import { parse } from '#core/contract/schema.ts'
import { badRequest, notJson, wrongMediaType } from '#core/domain/errors.ts'

export const MAX_BODY_BYTES = 256 * 1024
const SLOWEST_MS = 30_000

/** In order: refuse what is not JSON, give up on a body that trickles in, read it as text. */
export const readBody: RequestHandler[] = [refuseOtherTypes, giveUpOnSlow, readText()]

/**
 * The body in the shape that the route takes.
 * @throws NOT_JSON, or BAD_REQUEST that names every wrong field
 */
export function bodyOf<T>(req: Request, schema: z.ZodType<T>): T {
  const text: unknown = req.body
  return parse(schema, typeof text === 'string' && text !== '' ? parseJson(text) : {})
}

function parseJson(text: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text, refusePrototype)
  } catch (error) {
    throw error instanceof SyntaxError ? notJson(error) : error
  }
  return value
}

/** A field of this name becomes an object's prototype when it is copied carelessly; nobody needs one. */
function refusePrototype(key: string, value: unknown): unknown {
  if (key === '__proto__') throw badRequest('The request is not valid. "__proto__" cannot be the name of a field.')
  return value
}

function refuseOtherTypes(...[req, , next]: Parameters<RequestHandler>): void {
  const isEmpty = req.headers['transfer-encoding'] === undefined && (req.headers['content-length'] ?? '0') === '0'
  if (!isEmpty && !req.is('application/json')) throw wrongMediaType(req.headers['content-type'] ?? 'none')
  next()
}

function giveUpOnSlow(...[req, , next]: Parameters<RequestHandler>): void {
  const timer = setTimeout(() => {
    if (!req.complete) req.destroy()
  }, SLOWEST_MS)
  req.on('close', () => clearTimeout(timer))
  next()
}

function readText(): RequestHandler {
  // Not express.json: its errors lose the code of what the reviver throws. Compressed bodies are refused (no bombs).
  return express.text({ type: () => true, limit: MAX_BODY_BYTES, inflate: false })
}
