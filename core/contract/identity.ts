/** Who signs in and how: sessions, accounts, members, invitations, API tokens. */
import { z } from 'zod'
import { roles } from '../domain/access.ts'
import { MAX_EMAIL_LENGTH, MAX_PASSWORD_BYTES, normaliseEmail } from '../domain/user.ts'
import { appName, tenantId } from './schema.ts'

/** Becomes the form that addresses are compared in. */
export const email = z
  .string()
  .max(MAX_EMAIL_LENGTH + 50)
  .transform((text, context) => {
    const address = normaliseEmail(text)
    if (address !== null) return address
    context.addIssue({ code: 'custom', message: 'must be an e-mail address, like ann@example.com' })
    return z.NEVER
  })
/** Bounded, so that nobody has a megabyte hashed; what a new one must be is said where one is set. */
const password = z.string().min(1).max(MAX_PASSWORD_BYTES)
const personName = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .regex(/^\P{C}*$/u, 'must hold no control characters')
const oneTimeCode = z.string().min(1).max(200)
const totpCode = z.string().trim().min(6).max(40)
const role = z.enum(roles)
const time = z.iso.datetime()

export const signIn = z.strictObject({ email: z.string().max(500), password, totp: totpCode.optional() })
export const signInOnce = z.strictObject({ code: oneTimeCode })
export const giveTotp = z.strictObject({ code: totpCode })

const personView = z.strictObject({ id: z.string(), email: z.string(), name: z.string() })
const membershipView = z.strictObject({ tenant: z.string(), role })

export const sessionView = z.strictObject({
  /** null: the built-in operator, or a token that is nobody's in person. */
  user: personView.nullable(),
  /** Whether the platform may be operated now. */
  operator: z.boolean(),
  memberships: z.array(membershipView),
  /** Why an operator's account may not operate: `enrol` a second factor first, or `show` it (POST /v1/session/totp). */
  secondFactor: z.enum(['enrol', 'show']).nullable(),
  /** null: asked with a token. */
  session: z
    .strictObject({
      id: z.string(),
      createdAt: time,
      /** At the latest; earlier when it is not used. */
      expiresAt: time,
      /** Whether a new password may be set without the one before. */
      byLink: z.boolean(),
    })
    .nullable(),
})
export type SessionView = z.infer<typeof sessionView>

export const signInMethodsView = z.strictObject({
  password: z.literal(true),
  /** Where a browser goes for single sign-on; null: there is none. */
  oidc: z.strictObject({ name: z.string(), url: z.string() }).nullable(),
})
export type SignInMethodsView = z.infer<typeof signInMethodsView>

export const whoamiView = z.strictObject({
  actor: z.string(),
  /** The only tenant that the caller is a member of. */
  tenant: z.string().nullable(),
  operator: z.boolean(),
  user: personView.nullable(),
  memberships: z.array(membershipView),
  /** The only app that the token is for. */
  app: z.string().nullable(),
  readOnly: z.boolean(),
  expiresAt: time.nullable(),
})
export type WhoamiView = z.infer<typeof whoamiView>

export const loginLinkView = z.strictObject({ url: z.string(), code: z.string(), expiresAt: time })
export type LoginLinkView = z.infer<typeof loginLinkView>

/** No expiry is further away than this. */
export const MAX_TOKEN_SECONDS = 10 * 366 * 86_400
export const createToken = z.strictObject({
  description: z.string().min(1).max(100),
  tenant: tenantId.optional(),
  /** Made for this app alone. */
  app: appName.optional(),
  operator: z.boolean().optional(),
  /** Made for all that its user may reach. */
  account: z.boolean().optional(),
  role: role.optional(),
  readOnly: z.boolean().optional(),
  expiresInSeconds: z.int().min(60).max(MAX_TOKEN_SECONDS).optional(),
})
export const tokenView = z.strictObject({
  id: z.string(),
  description: z.string(),
  /** null: no tenant's; an operator's, or all that its user may reach. */
  tenant: z.string().nullable(),
  operator: z.boolean(),
  role,
  app: z.string().nullable(),
  readOnly: z.boolean(),
  user: personView.nullable(),
  createdAt: time,
  expiresAt: time.nullable(),
  /** To within five minutes. */
  lastUsedAt: time.nullable(),
})
export type TokenView = z.infer<typeof tokenView>
export const tokensView = z.strictObject({ tokens: z.array(tokenView), next: z.string().optional() })
export const tokenCreated = tokenView.extend({ token: z.string() })
export type TokenCreated = z.infer<typeof tokenCreated>

export const createUser = z.strictObject({
  email,
  name: personName.optional(),
  /** Left out: they set it themselves, by a login link. */
  password: password.optional(),
  operator: z.boolean().optional(),
})
export const patchUser = z.strictObject({ name: personName.optional(), operator: z.boolean().optional() })
export const userView = personView.extend({
  operator: z.boolean(),
  memberships: z.array(membershipView),
  password: z.boolean(),
  totp: z.boolean(),
  createdAt: time,
  lastLoginAt: time.nullable(),
})
export type UserView = z.infer<typeof userView>
export const usersView = z.strictObject({ users: z.array(userView) })

/** For operators: also where it leaves a tenant without an owner. */
export const forceQuery = z.object({ force: z.enum(['yes', 'no']).optional() })

export const addMember = z.strictObject({ email, role })
export const patchMember = z.strictObject({ role })
export const memberView = z.strictObject({ user: personView, role, lastLoginAt: time.nullable() })
export type MemberView = z.infer<typeof memberView>
export const membersView = z.strictObject({
  members: z.array(memberView),
  /** false: nobody but operators can say who belongs to the tenant. */
  hasOwner: z.boolean(),
})
export type MembersView = z.infer<typeof membersView>

export const invite = z.strictObject({ email, role })
export const inviteOperator = z.strictObject({ email })
export const invitationView = z.strictObject({
  id: z.string(),
  email: z.string(),
  /** null: to operate the platform. */
  tenant: z.string().nullable(),
  role: role.nullable(),
  operator: z.boolean(),
  invitedBy: z.string(),
  createdAt: time,
  expiresAt: time,
})
export type InvitationView = z.infer<typeof invitationView>
export const invitationsView = z.strictObject({ invitations: z.array(invitationView) })
/** The only time that the code is shown. */
export const invitationCreated = invitationView.extend({ code: z.string(), url: z.string() })
export type InvitationCreated = z.infer<typeof invitationCreated>
export const showInvitation = z.strictObject({ code: oneTimeCode })
export const invitationShown = invitationView.omit({ id: true }).extend({
  /** Whether the address has an account: then sign in first, and accept as oneself. */
  hasAccount: z.boolean(),
})
export type InvitationShown = z.infer<typeof invitationShown>
export const acceptInvitation = z.strictObject({ code: oneTimeCode, name: personName.optional(), password })

export const patchAccount = z.strictObject({ name: personName })
export const changePassword = z.strictObject({ current: password.optional(), password })
export const endTotp = z.strictObject({ code: totpCode })
export const totpBegun = z.strictObject({
  /** Base 32, to type into an authenticator app. */
  secret: z.string(),
  /** The same, to be shown as a QR code. */
  uri: z.string(),
})
export type TotpBegun = z.infer<typeof totpBegun>
export const recoveryCodesView = z.strictObject({ recoveryCodes: z.array(z.string()) })
export type RecoveryCodesView = z.infer<typeof recoveryCodesView>
export const ownSessionsView = z.strictObject({
  sessions: z.array(
    z.strictObject({
      id: z.string(),
      current: z.boolean(),
      createdAt: time,
      seenAt: time,
      address: z.string(),
      client: z.string(),
    }),
  ),
})
export type OwnSessionsView = z.infer<typeof ownSessionsView>
