/** Signing in, accounts, members, invitations and API tokens. */
import * as shapes from '../identity.ts'
import { pageQuery } from '../bodies/index.ts'
import type { Operations } from './operation.ts'

const sessions = {
  'GET /whoami': { summary: 'Show who you are to the API', need: 'anyone:read', answer: shapes.whoamiView },
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
    personal: true,
    body: shapes.giveTotp,
    answer: shapes.sessionView,
  },
  'DELETE /session': { summary: 'Sign out', need: 'anyone:read', personal: true, status: 204 },
  'POST /login-links': {
    summary: 'Make a link that signs you in once',
    need: 'platform:write',
    answer: shapes.loginLinkView,
    status: 201,
  },
} satisfies Operations

const account = {
  'GET /account': { summary: 'Show your account', need: 'anyone:read', answer: shapes.userView },
  'PATCH /account': {
    summary: 'Change your name',
    need: 'anyone:write',
    personal: true,
    body: shapes.patchAccount,
    answer: shapes.userView,
  },
  'POST /account/password': {
    summary: 'Change your password, and end your other sessions',
    need: 'anyone:write',
    personal: true,
    body: shapes.changePassword,
    answer: shapes.sessionView,
  },
  'POST /account/totp': {
    summary: 'Begin to use an authenticator app',
    need: 'anyone:write',
    personal: true,
    answer: shapes.totpBegun,
  },
  'POST /account/totp/confirm': {
    summary: 'Show the first code of an authenticator app, and get recovery codes',
    need: 'anyone:write',
    personal: true,
    body: shapes.giveTotp,
    answer: shapes.recoveryCodesView,
  },
  'POST /account/totp/disable': {
    summary: 'Use the authenticator app no more',
    need: 'anyone:write',
    personal: true,
    body: shapes.endTotp,
    answer: shapes.sessionView,
  },
  'GET /account/sessions': {
    summary: 'List where you are signed in',
    need: 'anyone:read',
    answer: shapes.ownSessionsView,
  },
  'DELETE /account/sessions': {
    summary: 'Sign out everywhere else',
    need: 'anyone:write',
    personal: true,
    status: 204,
  },
  'DELETE /account/sessions/:session': {
    summary: 'Sign out somewhere',
    need: 'anyone:write',
    personal: true,
    status: 204,
  },
  'POST /account/invitations': {
    summary: 'Accept an invitation as yourself',
    need: 'anyone:write',
    personal: true,
    body: shapes.showInvitation,
    answer: shapes.userView,
  },
  'DELETE /account/memberships/:membership': {
    summary: 'Leave a tenant',
    need: 'anyone:write',
    personal: true,
    status: 204,
  },
} satisfies Operations

const people = {
  'GET /users': { summary: 'List the accounts', need: 'platform:read', answer: shapes.usersView },
  'POST /users': {
    summary: 'Make an account',
    need: 'platform:write',
    body: shapes.createUser,
    answer: shapes.userView,
    status: 201,
  },
  'GET /users/:person': { summary: 'Show an account', need: 'platform:read', answer: shapes.userView },
  'PATCH /users/:person': {
    summary: 'Change an account',
    need: 'platform:write',
    body: shapes.patchUser,
    answer: shapes.userView,
  },
  'DELETE /users/:person': {
    summary: 'Remove an account with its sessions, tokens and keys',
    need: 'platform:write',
    query: shapes.forceQuery,
    status: 204,
  },
  'POST /users/:person/login-links': {
    summary: 'Make a link that signs somebody in once, to set a new password',
    need: 'platform:write',
    answer: shapes.loginLinkView,
    status: 201,
  },
  'DELETE /users/:person/totp': {
    summary: "Take away somebody's second factor, who lost it",
    need: 'platform:write',
    status: 204,
  },
  'DELETE /users/:person/sessions': { summary: 'Sign somebody out everywhere', need: 'platform:write', status: 204 },
  'GET /tenants/:tenant/members': {
    summary: 'List who belongs to a tenant',
    need: 'tenant:read',
    answer: shapes.membersView,
  },
  'POST /tenants/:tenant/members': {
    summary: 'Put an account into a tenant',
    need: 'tenant:operate',
    body: shapes.addMember,
    answer: shapes.memberView,
    status: 201,
  },
  'PATCH /tenants/:tenant/members/:person': {
    summary: 'Give a member another role',
    need: 'tenant:own',
    query: shapes.forceQuery,
    body: shapes.patchMember,
    answer: shapes.memberView,
  },
  'DELETE /tenants/:tenant/members/:person': {
    summary: 'Take somebody out of a tenant, with the tokens and keys',
    need: 'tenant:own',
    query: shapes.forceQuery,
    status: 204,
  },
} satisfies Operations

const invitations = {
  'GET /tenants/:tenant/invitations': {
    summary: 'List the open invitations to a tenant',
    need: 'tenant:own',
    answer: shapes.invitationsView,
  },
  'POST /tenants/:tenant/invitations': {
    summary: 'Invite somebody to a tenant',
    need: 'tenant:own',
    body: shapes.invite,
    answer: shapes.invitationCreated,
    status: 201,
  },
  'DELETE /tenants/:tenant/invitations/:invitation': {
    summary: 'Take an invitation back',
    need: 'tenant:own',
    status: 204,
  },
  'GET /invitations': { summary: 'List all open invitations', need: 'platform:read', answer: shapes.invitationsView },
  'POST /invitations': {
    summary: 'Invite an operator',
    need: 'platform:write',
    body: shapes.inviteOperator,
    answer: shapes.invitationCreated,
    status: 201,
  },
  'DELETE /invitations/:invitation': {
    summary: 'Take any invitation back',
    need: 'platform:write',
    status: 204,
  },
  'POST /invitations/show': {
    summary: 'Show what an invitation is for',
    need: 'public',
    body: shapes.showInvitation,
    answer: shapes.invitationShown,
  },
  'POST /invitations/accept': {
    summary: 'Accept an invitation by making an account',
    need: 'public',
    body: shapes.acceptInvitation,
    answer: shapes.sessionView,
  },
} satisfies Operations

const tokens = {
  'GET /tokens': { summary: 'List API tokens', need: 'anyone:read', query: pageQuery, answer: shapes.tokensView },
  'POST /tokens': {
    summary: 'Make an API token',
    need: 'anyone:write',
    body: shapes.createToken,
    answer: shapes.tokenCreated,
    status: 201,
  },
  'DELETE /tokens/:token': { summary: 'Revoke an API token', need: 'anyone:write', personal: true, status: 204 },
} satisfies Operations

export const identityOperations = { ...sessions, ...account, ...people, ...invitations, ...tokens } satisfies Operations
