/** Which host is at the other end of a connection: by its certificate, looked up anew for each request. */
import type { TLSSocket } from 'node:tls'
import { identityIn, type HostIdentity } from '#core/domain/agent-access.ts'
import { notEnrolled, type Unenrolled } from '#core/domain/host-errors.ts'
import type { Store } from '#core/store/connection.ts'
import { isEnrolled } from '#core/store/enrolments.ts'

export type Shown = HostIdentity | Unenrolled

type Context = { store: Store; now: () => number }

/** @throws HOST_NOT_ENROLLED */
export async function agentOf(socket: TLSSocket, { store, now }: Context): Promise<HostIdentity> {
  const shown = shownOn(socket, now())
  if (typeof shown === 'string') throw notEnrolled(shown)
  if (!(await isEnrolled(store, shown))) throw notEnrolled('revoked')
  return shown
}

/**
 * What the certificate of a connection says, if it counts at the moment: a connection may outlive its certificate, and the
 * check of its handshake may be from an earlier connection that it resumed.
 */
function shownOn(socket: TLSSocket, now: number): Shown {
  const certificate = socket.getPeerX509Certificate?.()
  if (!certificate) return 'none'
  if (now >= certificate.validToDate.getTime()) return 'expired'
  if (now < certificate.validFromDate.getTime()) return 'notYet'
  if (!socket.authorized) return 'foreign'
  return identityIn(certificate.subjectAltName ?? '') ?? 'foreign'
}
