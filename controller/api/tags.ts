/**
 * ETags of settings (RFC 9110 §8.8.3): whoever changes what they have read says so with If-Match, and is told where somebody
 * else was faster, instead of undoing their change unawares.
 */
import { hash } from 'node:crypto'
import type { Request, Response } from 'express'
import { preconditionFailed } from '#core/domain/call-errors.ts'

/** Of what is shown, whatever order its fields are in. */
export const tagOf = (view: unknown): string => `"${hash('sha256', JSON.stringify(view, inOrder)).slice(0, 32)}"`

function inOrder(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Answers with what is shown and its tag; with 304 to whoever has it. */
export function answerTagged(req: Request, res: Response, view: unknown): void {
  const tag = tagOf(view)
  res.setHeader('ETag', tag)
  const isHad = req.method === 'GET' && tagsIn(req.headers['if-none-match']).some((one) => one === '*' || one === tag)
  if (isHad) res.status(304).end()
  else res.json(view)
}

/**
 * To be asked where nobody else can change it until the change is written.
 * @param what is to be changed, as a sentence begins with it: `The config of shop`
 * @param view as it is now
 * @throws PRECONDITION_FAILED
 */
export function requireUnchanged(req: Request, what: string, view: unknown): void {
  const wanted = req.headers['if-match']
  if (wanted === undefined) return
  const tags = tagsIn(wanted)
  // Weak tags never match (RFC 9110 §13.1.1).
  if (!tags.includes('*') && !tags.includes(tagOf(view))) throw preconditionFailed(what)
}

const tagsIn = (header: string | undefined): string[] => (header ?? '').split(',').map((tag) => tag.trim())
