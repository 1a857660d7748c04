/** Who is signed in: by a session of the controller's, or by a token. */
import { createContext, useContext } from 'react'
import type { WhoamiView } from '../../../core/contract/api.ts'
import { ApiError, call, hasToken, setToken } from './client.ts'
import type { Role, Session } from './session-rules.ts'

export { whyNot, type Membership, type Role, type Session } from './session-rules.ts'

/** What GET /v1/session and GET /v1/whoami may say, as far as it matters here. */
type Told = {
  /** null: the built-in operator, or a token that is nobody's in person. */
  user?: { email?: string; name?: string } | null
  session?: object | null
  /** Why an operator's account may not operate yet. */
  secondFactor?: 'enrol' | 'show' | null
  actor?: string
  operator?: boolean
  memberships?: { tenant?: string; tenantId?: string; role?: Role }[]
  tenant?: string | null
  role?: Role | null
  readOnly?: boolean
}

/** @returns null: nobody is signed in, or this controller has no sessions */
export async function findSession(): Promise<Session | null> {
  try {
    const told = await call<Told | null>('GET', '/v1/session', { quietly: true })
    return told?.user || told?.session ? toSession(told, false) : null
  } catch (error) {
    if (error instanceof ApiError && [401, 403, 404].includes(error.status)) return null
    throw error
  }
}

/** @throws ApiError */
export async function signInByPassword(email: string, password: string, totp: string): Promise<Session> {
  const body = { email, password, ...(totp === '' ? {} : { totp }) }
  await call('POST', '/v1/session', { body, quietly: true })
  return required(await findSession())
}

/** @throws ApiError */
export async function signInOnce(code: string): Promise<Session> {
  await call('POST', '/v1/session/once', { body: { code }, quietly: true })
  return required(await findSession())
}

/** @throws ApiError */
export async function signInByToken(token: string): Promise<Session> {
  setToken(token)
  try {
    return toSession(await call<WhoamiView & Told>('GET', '/v1/whoami', { quietly: true }), true)
  } catch (error) {
    setToken(null)
    throw error
  }
}

/** In a session that began without it. @throws ApiError */
export async function showSecondFactor(code: string): Promise<Session> {
  await call('POST', '/v1/session/totp', { body: { code }, quietly: true })
  return required(await findSession())
}

/** How else one can sign in here: where a browser goes for single sign-on. */
export async function findSignOn(): Promise<{ name: string; url: string } | null> {
  type Methods = { oidc?: { name: string; url: string } | null }
  const methods = await call<Methods>('GET', '/v1/session/methods', { quietly: true }).catch(() => null)
  return methods?.oidc ?? null
}

export async function signOut({ byToken }: Session): Promise<void> {
  setToken(null)
  if (!byToken) await call('DELETE', '/v1/session', { quietly: true })
}

function toSession(told: Told, byToken: boolean): Session {
  const single = told.tenant ? [{ tenant: told.tenant, role: told.role ?? 'member' }] : []
  const memberships = (told.memberships ?? []).flatMap(({ tenant, tenantId, role = 'member' }) => {
    const id = tenant ?? tenantId
    return id === undefined ? [] : [{ tenant: id, role }]
  })
  const email = told.user?.email ?? null
  return {
    actor: told.user?.name || email || (told.actor ?? (told.operator ? 'operator' : 'token')),
    email,
    operator: told.operator === true,
    memberships: memberships.length > 0 ? memberships : single,
    readOnly: told.readOnly === true,
    secondFactor: told.secondFactor ?? null,
    byToken: byToken || hasToken(),
  }
}

function required(session: Session | null): Session {
  if (session) return session
  throw new ApiError(
    401,
    'NO_COOKIE',
    'You were signed in, but your browser did not keep the session’s cookie. Open the console over HTTPS or on localhost.',
  )
}

/** What is known of whoever is signed in may be different now: it is asked for again. */
export const sessionChanged = (): void => void window.dispatchEvent(new Event('berth-session'))

export const SessionContext = createContext<Session | null>(null)

export function useSession(): Session {
  const session = useContext(SessionContext)
  if (!session) throw new Error('There is no page without a session but the one to sign in.')
  return session
}
