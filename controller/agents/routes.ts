/** How machines become hosts, and stay ones, on the listener for agents (core/contract/enrolment.ts). */
import { joinRequest, renewRequest } from '#core/contract/enrolment.ts'
import { clean } from '#core/domain/audit.ts'
import type { Log } from '#core/runtime/log.ts'
import type { AuditLog } from '../audit/log.ts'
import { bodyOf } from '../api/body.ts'
import type { Routes } from '../api/routes.ts'
import { identityOf } from './admit.ts'
import { certificateFor, join, type JoiningContext } from './joining.ts'

export type EnrolmentContext = JoiningContext & { audit: AuditLog; log: Log }

export const enrolmentRoutes = (context: EnrolmentContext): Routes => ({
  '/authority': {
    GET(_req, res) {
      res.json({ authority: context.authority.certificate })
    },
  },
  '/join': {
    async POST(req, res) {
      const body = bodyOf(req, joinRequest)
      const { answer, identity, by } = await join(context, body)
      const address = req.socket.remoteAddress ?? ''
      context.log.info('host joined', { hostId: identity.host, enrolment: identity.enrolment, by, address })
      await context.audit.write({
        operation: 'join as a host',
        requestId: String(res.getHeader('X-Request-Id')),
        actor: { kind: 'agent', name: identity.host, tokenId: null, userId: null },
        tenant: null,
        app: null,
        target: { host: identity.host, by: clean(by, 100) },
        asked: [],
        changes: [],
        from: { address, agent: clean(req.get('user-agent') ?? '') },
        result: { status: 200, code: null },
        unrecorded: 0,
      })
      res.json(answer)
    },
  },
  '/certificate': {
    POST(req, res) {
      const identity = identityOf(req)
      const { publicKey } = bodyOf(req, renewRequest)
      res.json(certificateFor(context, identity, publicKey))
      context.log.debug('certificate of a host renewed', { hostId: identity.host })
    },
  },
})
