/** The settings of how people sign in. See config.ts for the rules. */
import { badSetting } from '../domain/errors.ts'

type Environment = Record<string, string | undefined>

/** A provider of OpenID Connect, and what it may do here. */
export type OidcConfig = {
  issuer: string
  clientId: string
  clientSecret: string
  /** What the button says. */
  name: string
  /** Whether people whom nobody invited get an account, which is a member of nothing. */
  createsUsers: boolean
  /** Whether the provider asks for a second factor itself, so that operators need none of Berth's. */
  isStrong: boolean
}

/** @throws BAD_SETTING */
export function consoleUrl(env: Environment): string | null {
  const value = env['BERTH_CONSOLE_URL'] ?? ''
  if (value === '') return null
  if (
    !URL.canParse(value) ||
    !/^https?:$/.test(new URL(value).protocol) ||
    new URL(value).origin !== value.replace(/\/$/, '')
  )
    throw badSetting('BERTH_CONSOLE_URL', value, 'an https address without a path, like https://berth.example.com')
  return new URL(value).origin
}

/** @throws BAD_SETTING */
export function readOidc(env: Environment): OidcConfig | null {
  const issuer = env['BERTH_OIDC_ISSUER'] ?? ''
  const clientId = env['BERTH_OIDC_CLIENT_ID'] ?? ''
  const clientSecret = env['BERTH_OIDC_CLIENT_SECRET'] ?? ''
  if (issuer === '') {
    if (clientId !== '') throw badSetting('BERTH_OIDC_ISSUER', issuer, 'given together with BERTH_OIDC_CLIENT_ID')
    return null
  }
  if (!URL.canParse(issuer) || !isSafe(new URL(issuer)))
    throw badSetting('BERTH_OIDC_ISSUER', issuer, 'an https URL (http only for a provider on this machine)')
  if (clientId === '') throw badSetting('BERTH_OIDC_CLIENT_ID', clientId, 'the name that the provider knows Berth by')
  // The value is a secret, so the sentence does not repeat it.
  if (clientSecret === '') throw badSetting('BERTH_OIDC_CLIENT_SECRET', '', 'the secret that the provider gave')
  return {
    issuer,
    clientId,
    clientSecret,
    name: named(env),
    createsUsers: yesOrNo(env, 'BERTH_OIDC_CREATE_USERS'),
    isStrong: yesOrNo(env, 'BERTH_OIDC_SECOND_FACTOR'),
  }
}

const isSafe = ({ protocol, hostname }: URL): boolean =>
  protocol === 'https:' || (protocol === 'http:' && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname))

function named(env: Environment): string {
  const value = env['BERTH_OIDC_NAME'] ?? ''
  if (/\p{C}/u.test(value) || value.length > 40)
    throw badSetting('BERTH_OIDC_NAME', value, 'up to 40 printable characters')
  return value === '' ? 'Single sign-on' : value
}

function yesOrNo(env: Environment, name: string): boolean {
  const value = env[name] ?? ''
  if (!['', 'on', 'off'].includes(value)) throw badSetting(name, value, 'one of on, off')
  return value === 'on'
}
