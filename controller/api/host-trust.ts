/** Which machines are hosts, for operators: let one in, and end the certificate of one at once (docs/hosts.md). */
import type { Request } from 'express'
import { addHost } from '#core/contract/enrolment.ts'
import { notFound } from '#core/domain/errors.ts'
import { isId, type HostId } from '#core/domain/ids.ts'
import { endEnrolment } from '#core/store/enrolments.ts'
import { loadHosts, setCordoned } from '#core/store/hosts.ts'
import { makeJoinToken } from '../agents/joining.ts'
import { noteAudit } from '../audit/record.ts'
import { dismissAgent } from '../store-users.ts'
import { callerOf } from './auth.ts'
import { bodyOf } from './body.ts'
import type { ApiContext } from './context.ts'
import { param, type Handler } from './routes.ts'

/** Answers with a join token, which the machine's agent spends. */
export const letHostIn =
  (context: ApiContext): Handler =>
  async (req, res) => {
    const { host } = bodyOf(req, addHost)
    const { actor } = callerOf(req)
    const made = await makeJoinToken(context, host, actor)
    noteAudit(req, { target: { host } })
    context.log.info('join token made', { hostId: host, actor })
    res.status(201).json(made)
  }

/** For a host that may be somebody else's by now: what runs there can be trusted no more than its agent, so it is moved off. */
export const revokeHost =
  ({ store, log, wake }: ApiContext): Handler =>
  async (req, res) => {
    const host = hostIn(req)
    const isKnown = (await loadHosts(store)).some(({ id }) => id === host)
    if (!(await endEnrolment(store, host)) && !isKnown) throw notFound('host', host)
    await dismissAgent(store, host)
    if (isKnown) await setCordoned(store, host, true)
    log.warn('certificate of host revoked', { hostId: host, actor: callerOf(req).actor })
    wake()
    res.status(204).end()
  }

function hostIn(req: Request): HostId {
  const id = param(req, 'host')
  if (!isId(id)) throw notFound('host', id)
  return id as HostId
}
