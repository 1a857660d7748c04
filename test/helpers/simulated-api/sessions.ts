/** Who is signed in to the simulated API: by password, by a link, or by a token that is the e-mail address itself. */
import { randomBytes } from 'node:crypto'
import { Router, type Request, type RequestHandler } from 'express'
import { problem } from './index.ts'

export type Somebody = {
  email: string
  name: string
  password: string
  operator: boolean
  memberships: { tenant: string; role: 'viewer' | 'member' | 'owner' }[]
  /** The code that is asked for beside the password. */
  totp?: string
}
export type People = { known: Somebody[]; sessions: Map<string, Somebody>; codes: Map<string, Somebody> }

const COOKIE = 'berth'

export function sessionRoutes(people: People): Router {
  const router = Router()
  const begin = (somebody: Somebody): string => {
    const id = randomBytes(18).toString('base64url')
    people.sessions.set(id, somebody)
    return `${COOKIE}=${id}; Path=/; HttpOnly; SameSite=Strict`
  }
  router.get('/session/methods', (_req, res) => res.json({ password: true, oidc: null }))
  router.post('/session', (req, res) => {
    const { email, password, totp } = req.body as Record<string, string>
    const somebody = people.known.find((known) => known.email === email && known.password === password)
    if (!somebody)
      return problem(res, 401, 'WRONG_LOGIN', 'This e-mail address and password are not those of an account here.')
    if (somebody.totp !== undefined && totp === undefined)
      return problem(
        res,
        401,
        'TOTP_REQUIRED',
        'The password is right. Now give the code that your authenticator app shows.',
      )
    if (somebody.totp !== undefined && totp !== somebody.totp)
      return problem(res, 401, 'WRONG_TOTP', 'This code is not valid.')
    res.setHeader('Set-Cookie', begin(somebody))
    res.json(sessionView(somebody))
  })
  router.post('/session/once', (req, res) => {
    const { code } = req.body as { code: string }
    const somebody = people.codes.get(code)
    people.codes.delete(code)
    if (!somebody)
      return problem(res, 401, 'CODE_NOT_VALID', 'This login link is not valid: it was used, or is too old.')
    res.setHeader('Set-Cookie', begin(somebody))
    res.json(sessionView(somebody))
  })
  return router
}

export function authenticate(people: People): RequestHandler {
  return (req, res, next) => {
    const somebody = somebodyOf(req, people)
    if (!somebody) return problem(res, 401, 'UNAUTHENTICATED', 'No valid API token or session came with the request.')
    callers.set(req, somebody)
    if (req.path === '/session' && req.method === 'GET') return void res.json(sessionView(somebody))
    if (req.path === '/session' && req.method === 'DELETE') {
      people.sessions.delete(sessionIn(req))
      return void res.status(204).end()
    }
    if (req.path === '/whoami')
      return void res.json({
        ...sessionView(somebody),
        actor: somebody.name,
        tenant: somebody.memberships[0]?.tenant ?? null,
      })
    next()
  }
}

const callers = new WeakMap<Request, Somebody>()
export const callerOf = (req: Request): Somebody => callers.get(req) as Somebody

const somebodyOf = (req: Request, { sessions, known }: People): Somebody | undefined => {
  const token = /^Bearer (\S+)$/.exec(req.headers.authorization ?? '')?.[1]
  if (token !== undefined) return known.find(({ email }) => email === token)
  return sessions.get(sessionIn(req))
}

const sessionIn = ({ headers }: Request): string =>
  new RegExp(`${COOKIE}=([\\w-]+)`).exec(headers.cookie ?? '')?.[1] ?? ''

const sessionView = ({ email, name, operator, memberships }: Somebody) => ({
  user: { id: `u-${name}`, email, name },
  operator,
  memberships,
  secondFactor: null,
  session: { id: 's', createdAt: new Date().toISOString(), expiresAt: new Date().toISOString(), byLink: false },
})

/** A parameter of the query, as text. */
export function queryOf({ query }: Request, name: string): string {
  const value = query[name]
  return typeof value === 'string' ? value : ''
}
