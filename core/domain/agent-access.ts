/**
 * What a host's agent may ask of the controller: what is its own host's, and nothing of another's. The model is Kubernetes'
 * NodeRestriction: whoever takes over one host has what runs on that host, and no way from there to the others.
 *
 * A host never learns whether something of another host exists: it is `hidden`, and answered like what does not (404).
 */
import type { HostId } from './ids.ts'

/**
 * On what an operation acts, which decides whose it is. `joining` is open to strangers, since it is how they become hosts;
 * `itself` is about the host that asks. `instance`, `run` and `session` belong to the host that the instance was placed on; a
 * `build` to the one that builds; a `layer` to each host that has to mount it, a stack's to all; `building` is for hosts that
 * build something at the moment, whatever it is.
 */
export type AgentNeed = 'joining' | 'itself' | 'instance' | 'run' | 'session' | 'build' | 'layer' | 'building'

/** Every operation under /internal, WebSockets among them (`SESSION`). What is not here does not start. */
export const agentOperations = {
  'GET /authority': 'joining',
  'POST /join': 'joining',
  'POST /certificate': 'itself',
  'POST /store-login': 'itself',
  'GET /jobs-key': 'itself',
  'GET /instances/:instance/launch': 'instance',
  'GET /deploys/:deploy/build': 'build',
  'GET /deploys/:deploy/source': 'build',
  'GET /layers/:digest': 'layer',
  'HEAD /layers/:digest': 'building',
  'PUT /layers/:digest': 'building',
  'GET /buildpacks/:buildpack': 'building',
  'SESSION /runs/:run/session': 'run',
  'SESSION /sessions/:session': 'session',
} as const satisfies Record<string, AgentNeed>

export type AgentOperation = keyof typeof agentOperations

/** Whose something is: of these hosts, or of every one. */
export type Holders = readonly HostId[] | 'every host'

export type AgentVerdict = 'allowed' | 'unknown' | 'hidden'

/**
 * @param host who asks, by a certificate that counts; null: nobody that is known
 * @param holders whose it is that is asked for; nobody's where there is no such thing
 */
export function judgeAgent(host: HostId | null, need: AgentNeed, holders: Holders): AgentVerdict {
  if (need === 'joining') return 'allowed'
  if (host === null) return 'unknown'
  if (need === 'itself' || holders === 'every host') return 'allowed'
  return holders.includes(host) ? 'allowed' : 'hidden'
}

/** Which host a certificate is for, and which of its enrolments: a host that joins anew is another one to us. */
export type HostIdentity = { host: HostId; enrolment: string }

/** The one name in an agent's certificate (a URI in its subjectAltName, RFC 5280 §4.2.1.6). */
export const nameOfAgent = ({ host, enrolment }: HostIdentity): string => `urn:berth:host:${host}:${enrolment}`

/**
 * @param names a certificate's subjectAltName as Node writes it
 * @returns null unless it is the one name of an agent, and no other beside it
 */
export function identityIn(names: string): HostIdentity | null {
  const [, host, enrolment] = /^URI:urn:berth:host:([a-z][a-z0-9-]{0,62}):(e-[a-z2-7]{13})$/.exec(names) ?? []
  return host === undefined || enrolment === undefined ? null : { host: host as HostId, enrolment }
}

/** A host that was told to join has so long to do it. */
export const JOIN_WITHIN_MS = 10 * 60_000

/** When an agent gets its next certificate: at half of the time that is left when it gets one, so that outages may be long. */
export const renewalOf = (receivedAt: number, notAfter: number): number =>
  receivedAt + Math.max(0, notAfter - receivedAt) / 2
