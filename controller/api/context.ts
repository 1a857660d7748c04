/** What the API's routes work with. Made in controller/index.ts. */
import type { Job } from '#core/contract/jobs.ts'
import type { SshView } from '#core/contract/ssh.ts'
import type { AppId, HostId, TenantId } from '#core/domain/ids.ts'
import type { Config } from '#core/runtime/config.ts'
import type { Log } from '#core/runtime/log.ts'
import type { Store } from '#core/store/connection.ts'
import type { Authority } from '../agents/authority.ts'
import type { AuditLog } from '../audit/log.ts'
import type { CertificateContext } from '../certificates/context.ts'
import type { Random } from '../credentials.ts'
import type { Deploys } from '../deploy/deploy.ts'
import type { LookUp } from '../domains.ts'
import type { Repositories } from '../git/repositories.ts'
import type { GitSlots } from '../git/slots.ts'
import type { Sources } from '../git/sources.ts'
import type { Identity } from '../identity/index.ts'
import type { Layers } from '../layers.ts'
import type { Outbound } from '../outbound/index.ts'
import type { Sealer } from '../secrets.ts'
import type { Turns } from '../turns.ts'

/** What the API needs to take and show certificates. */
export type Certificates = Pick<CertificateContext, 'vault' | 'hostsOf' | 'wanted'> & {
  /** Has the certificates looked at now. */
  wake: () => void
}

export type ApiContext = {
  store: Store
  config: Config
  log: Log
  audit: AuditLog
  sealer: Sealer
  /** How people and machines show who they are. */
  identity: Identity
  certificates: Certificates
  /** Vouches for hosts. */
  authority: Authority
  layers: Layers
  repositories: Repositories
  gitSlots: GitSlots
  /** What there is to know of git over SSH. */
  ssh: () => SshView
  sources: Sources
  deploys: Pick<Deploys, 'submit' | 'cancel' | 'cancelApp'>
  /** Changes of one app that are read, decided and written happen in turns. */
  turns: Turns
  /** Tells the reconciler to look now. */
  wake: () => void
  /** What agents check jobs with, as PEM. */
  jobsKey: string
  /** Queues a job for a host: a hint, since the host's sync finds the same. */
  tell: (host: HostId, job: Job) => void
  /** Deletes the jobs of a host that is gone for good. */
  forgetJobs: (host: HostId) => Promise<void>
  /** Asks DNS whose a host is. */
  lookUp: LookUp
  /** Connects to where tenants say. */
  outbound: Outbound
  random: Random
  now: () => number
  /** Aborted when the controller stops: streams end. */
  signal: AbortSignal
}

/** A web app's address. */
export function appUrl(config: Pick<Config, 'domain' | 'httpPort'>, name: string): string {
  return `http://${name}.${config.domain}${config.httpPort === 80 ? '' : `:${config.httpPort}`}/`
}

/** Where people's browsers find the console, without a slash at its end. */
export const consoleAddress = ({ consoleUrl, apiPort }: Pick<Config, 'consoleUrl' | 'apiPort'>): string =>
  consoleUrl ?? `http://127.0.0.1:${apiPort}`

/** The key of an app's turn. */
export const changesOf = (app: AppId): string => `changes:${app}`

/** The key of the turn in which the platform's certificate changes. */
export const CHANGES_OF_PLATFORM = 'changes of the platform'

/** The key of a tenant's turn, for what its plan limits; the store tells other controllers' decisions apart. */
export const accountOf = (tenant: TenantId): string => `account:${tenant}`
