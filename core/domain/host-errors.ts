/** What is said about machines that are to become hosts, and to agents. See errors.ts for the rules. */
import { BerthError } from './errors.ts'

/** One answer for an unknown, spent, expired and wrong token, and for one of another host. */
export const joinTokenRefused = (host: string) =>
  new BerthError(
    'JOIN_TOKEN_REFUSED',
    401,
    `This join token does not let ${host} in: it is not for a host of this name, was used, or is older than ten minutes. Make a new one: berth hosts:add ${host}`,
  )

export type Unenrolled = 'none' | 'foreign' | 'notYet' | 'expired' | 'revoked'

const because: Record<Unenrolled, string> = {
  none: 'it showed no certificate',
  foreign: 'its certificate is not one that this controller has issued to a host',
  notYet: 'its certificate is not valid yet, so one of the two clocks is wrong',
  expired: 'its certificate has expired',
  revoked: 'its enrolment has ended: it was removed or revoked, or another machine has joined under its name',
}

export const notEnrolled = (reason: Unenrolled) =>
  new BerthError(
    'HOST_NOT_ENROLLED',
    401,
    `This is for the agents of hosts alone, and whoever asks is none: ${because[reason]}. An operator lets a machine in: berth hosts:add HOST`,
    { facts: { reason } },
  )
