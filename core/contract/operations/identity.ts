/** Signing in, accounts, members, invitations and API tokens. */
import * as shapes from '../identity.ts'
import type { Operations } from './operation.ts'

export const sessionOperations: Operations = {
  'POST /session': {
    summary: 'Sign in with a password',
    need: 'public',
    body: shapes.signIn,
    answer: shapes.sessionView,
  },
  'POST /session/once': {
    summary: 'Sign in with the code of a login link',
    need: 'public',
    body: shapes.signInOnce,
    answer: shapes.sessionView,
  },
  'GET /session/methods': { summary: 'Show how one can sign in', need: 'public', answer: shapes.signInMethodsView },
  'GET /session': { summary: 'Show who is signed in', need: 'anyone:read', answer: shapes.sessionView },
  'POST /session/totp': {
    summary: 'Show the second factor, in a session that began without it',
    need: 'anyone:write',
    body: shapes.giveTotp,
    answer: shapes.sessionView,
  },
  'DELETE /session': { summary: 'Sign out', need: 'anyone:read', status: 204 },
}

export const identityOperations: Operations = { ...sessionOperations }
