/** What every request of an agent passes first: is it a host's, and is what it asks for that host's? */
import type { Request } from 'express'
import type { TLSSocket } from 'node:tls'
import {
  agentOperations,
  judgeAgent,
  type AgentNeed,
  type AgentOperation,
  type HostIdentity,
} from '#core/domain/agent-access.ts'
import { notFound } from '#core/domain/errors.ts'
import { notEnrolled } from '#core/domain/host-errors.ts'
import type { Admit } from '../api/access.ts'
import { agentOf } from './callers.ts'
import { holdersOf, type HoldingsContext } from './holdings.ts'
import type { AgentWatch } from './watch.ts'

export type AdmitContext = HoldingsContext & { watch: AgentWatch; now: () => number }

const identities = new WeakMap<Request, HostIdentity>()

/** Of a request that was let in as a host's. */
export function identityOf(req: Request): HostIdentity {
  const identity = identities.get(req)
  if (!identity) throw notEnrolled('none')
  return identity
}

/**
 * @param route `GET /instances/:instance/launch`
 * @throws when it is not declared; so does nothing start that nobody decided on
 */
export function admitAgentsTo(route: string, context: AdmitContext): Admit {
  needOf(route)
  return async (req) => {
    // Express answers HEAD by the handler of GET; it may have a need of its own.
    const asked = route.startsWith('GET ') && req.method === 'HEAD' ? route.replace('GET ', 'HEAD ') : route
    const need = needOf(asked in agentOperations ? asked : route)
    if (need === 'joining') return
    const [id = ''] = Object.values(req.params)
    identities.set(req, await admitAgent(req.socket as TLSSocket, need, String(id), context))
  }
}

/** @throws HOST_NOT_ENROLLED; NOT_FOUND for what is another host's, as for what is not there */
export async function admitAgent(
  socket: TLSSocket,
  need: AgentNeed,
  id: string,
  context: AdmitContext,
): Promise<HostIdentity> {
  const identity = await agentOf(socket, context)
  context.watch.keep(identity, socket)
  const verdict = judgeAgent(identity.host, need, await holdersOf(need, id, identity.host, context))
  if (verdict === 'hidden') throw notFound(nouns[need], id.slice(0, 100))
  return identity
}

function needOf(route: string): AgentNeed {
  const need: AgentNeed | undefined = agentOperations[route as AgentOperation]
  if (!need) throw new Error(`${route} is not declared in core/domain/agent-access.ts`)
  return need
}

const nouns: Record<AgentNeed, string> = {
  joining: 'page',
  itself: 'page',
  instance: 'instance',
  run: 'session of run',
  session: 'session',
  build: 'deploy',
  layer: 'layer',
  building: 'build for',
}
