/** What people are told who sign in, invite, and are invited. See errors.ts for the rules. */
import { BerthError } from './errors.ts'

/** One answer for an unknown address, a wrong password and an account without one. */
export const wrongLogin = () =>
  new BerthError(
    'WRONG_LOGIN',
    401,
    'This e-mail address and password are not those of an account here. Check both; an operator can send you a new login link.',
  )

export const totpRequired = () =>
  new BerthError(
    'TOTP_REQUIRED',
    401,
    'The password is right. Now give the code that your authenticator app shows, or one of your recovery codes, as "totp".',
  )

export const wrongTotp = () =>
  new BerthError(
    'WRONG_TOTP',
    401,
    'This code is not valid, or was used already. Wait for the next one that your authenticator app shows, and check its clock.',
  )

export const tooManyAttempts = (retryAfterSeconds: number) =>
  new BerthError(
    'TOO_MANY_ATTEMPTS',
    429,
    `Too many attempts failed. Try again in ${retryAfterSeconds} second${retryAfterSeconds === 1 ? '' : 's'}.`,
    { facts: { retryAfterSeconds } },
  )

export const busySigningIn = () =>
  new BerthError('BUSY', 503, 'Too many people sign in at this moment. Try again in a few seconds.')

export const codeSpent = (what: string) =>
  new BerthError(
    'CODE_NOT_VALID',
    401,
    `This ${what} is not valid: it was used, it is too old, or it was taken back. Ask for a new one.`,
  )

export const insecureSignIn = (host: string) =>
  new BerthError(
    'INSECURE_SIGN_IN',
    403,
    `Nobody can sign in at ${JSON.stringify(host.slice(0, 100))}: sessions need https at the address in BERTH_CONSOLE_URL, or http on the machine itself (127.0.0.1, localhost). API tokens work here.`,
  )

export const sessionNeeded = () =>
  new BerthError(
    'SESSION_NEEDED',
    403,
    'This changes how you sign in, so it needs you to be signed in with your own account: a token is not enough. Sign in to the console, or use `berth account:password` and `berth account:totp`.',
  )

export const emailTaken = (email: string) => new BerthError('EMAIL_TAKEN', 409, `${email} has an account already.`)

export const passwordRefused = (why: string) => new BerthError('PASSWORD_REFUSED', 422, `The password ${why}.`)

export const lastOwner = (tenant: string) =>
  new BerthError(
    'LAST_OWNER',
    409,
    `This is the last owner of ${tenant}. Make somebody else an owner first. An operator can leave a tenant without one: add ?force=yes.`,
  )

export const invitationForAnother = (email: string) =>
  new BerthError(
    'INVITATION_FOR_ANOTHER',
    403,
    `This invitation is for ${email}, and you are signed in with another account. Sign in as ${email}, or ask for an invitation of yours.`,
  )

export const signInFirst = (email: string) =>
  new BerthError(
    'SIGN_IN_FIRST',
    409,
    `${email} has an account here already. Sign in, and accept the invitation as yourself.`,
  )

export const tooMany = (what: string, most: number) =>
  new BerthError('TOO_MANY', 422, `There are ${most} ${what} already, which is the most. Remove some first.`)

export const totpIsOn = () =>
  new BerthError('TOTP_IS_ON', 409, 'There is a second factor already. Turn it off first, with one of its codes.')

export const totpNotBegun = () =>
  new BerthError(
    'TOTP_NOT_BEGUN',
    409,
    'There is no second factor to confirm or turn off. Begin with POST /v1/account/totp.',
  )

/** What a browser is sent to the sign-in page with, as `problem`. */
export const signOnRefused = (
  code: 'SIGN_ON_FAILED' | 'SIGN_ON_UNKNOWN' | 'SIGN_ON_NO_EMAIL',
  why: string,
  cause?: unknown,
) => new BerthError(code, 403, why, { cause })
