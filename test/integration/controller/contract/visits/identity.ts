/** Somebody's way: an account is made, signed in to, secured, put into tenants and taken out, and removed. */
import { codeOf } from '../../../../helpers/people.ts'
import type { Visit } from './visit.ts'

const FIRST = 'correct horse battery'
const SECOND = 'battery staple correct'
const BOB = 'bob@example.com'
const CY = 'cy@example.com'

const account: Visit[] = [
  { route: 'GET /session/methods', as: 'nobody' },
  { route: 'POST /login-links' },
  {
    route: 'POST /users',
    body: { email: BOB, name: 'Bob', password: FIRST },
    keep: ({ id }) => ({ person: id }),
  },
  { route: 'GET /users' },
  { route: 'GET /users/:person' },
  { route: 'PATCH /users/:person', body: { name: 'Robert', operator: true } },
  { route: 'POST /session', as: 'bob', body: { email: BOB, password: FIRST } },
  { route: 'GET /session', as: 'bob' },
  { route: 'GET /account', as: 'bob' },
  { route: 'PATCH /account', as: 'bob', body: { name: 'Bob' } },
  { route: 'POST /account/password', as: 'bob', body: { current: FIRST, password: SECOND } },
  { route: 'POST /account/totp', as: 'bob', keep: ({ secret }) => ({ totp: secret }) },
  {
    route: 'POST /account/totp/confirm',
    as: 'bob',
    body: ({ totp = '' }) => ({ code: codeOf(totp) }),
    keep: ({ recoveryCodes: [first = '', second = ''] }) => ({ first, second }),
  },
  { route: 'POST /users/:person/login-links', keep: ({ code }) => ({ code }) },
  { route: 'POST /session/once', as: 'bob', body: ({ code }) => ({ code }) },
  { route: 'POST /session/totp', as: 'bob', body: ({ first }) => ({ code: first }) },
  { route: 'POST /account/totp/disable', as: 'bob', body: ({ second }) => ({ code: second }) },
  { route: 'POST /session', as: 'bobElsewhere', body: { email: BOB, password: SECOND } },
  {
    route: 'GET /account/sessions',
    as: 'bob',
    keep: ({ sessions }) => ({ session: sessions.find(({ current }) => !current)?.id ?? '' }),
  },
  { route: 'DELETE /account/sessions/:session', as: 'bob' },
  { route: 'DELETE /account/sessions', as: 'bob' },
]

const members: Visit[] = [
  { route: 'POST /tenants/:tenant/members', body: { email: BOB, role: 'viewer' } },
  { route: 'GET /tenants/:tenant/members' },
  { route: 'PATCH /tenants/:tenant/members/:person', body: { role: 'member' } },
  { route: 'DELETE /account/memberships/:membership', as: 'bob' },
  {
    route: 'POST /tenants/:tenant/invitations',
    body: { email: BOB, role: 'member' },
    keep: ({ code }) => ({ code }),
  },
  { route: 'POST /invitations/show', as: 'nobody', body: ({ code }) => ({ code }) },
  { route: 'POST /account/invitations', as: 'bob', body: ({ code }) => ({ code }) },
  { route: 'DELETE /tenants/:tenant/members/:person' },
  {
    route: 'POST /tenants/:tenant/invitations',
    body: { email: CY, role: 'owner' },
    keep: ({ id, code }) => ({ invitation: id, code }),
  },
  { route: 'GET /tenants/:tenant/invitations' },
  { route: 'POST /invitations/accept', as: 'cy', body: ({ code }) => ({ code, name: 'Cy', password: FIRST }) },
  { route: 'DELETE /session', as: 'cy' },
  {
    route: 'POST /tenants/:tenant/invitations',
    body: { email: 'di@example.com', role: 'viewer' },
    keep: ({ id }) => ({ invitation: id }),
  },
  { route: 'DELETE /tenants/:tenant/invitations/:invitation' },
  { route: 'POST /invitations', body: { email: 'ed@example.com' }, keep: ({ id }) => ({ invitation: id }) },
  { route: 'GET /invitations' },
  { route: 'DELETE /invitations/:invitation' },
]

const leaving: Visit[] = [
  { route: 'DELETE /users/:person/totp' },
  { route: 'DELETE /users/:person/sessions' },
  { route: 'DELETE /users/:person' },
]

export const identity: Visit[] = [...account, ...members, ...leaving]
