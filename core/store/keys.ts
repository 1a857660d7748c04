/** Every Redis key that Berth uses, besides BullMQ's. Ids are checked where they enter, so none can reach another's key. */
import type { AppId, DeployId, HostId, InstanceId, TenantId, TokenId, UserId } from '../domain/ids.ts'

export const keys = {
  tenants: 'berth:tenants',
  tenant: (id: TenantId) => `berth:tenant:${id}`,
  /** Rises with every change of what the tenant's apps are promised. */
  promises: (id: TenantId) => `berth:tenant:${id}:promises`,
  /** name → plan */
  plans: 'berth:plans',
  /** fingerprint → whose key it is */
  sshKeys: 'berth:ssh-keys',
  /** The fingerprint of the host key that clients know. */
  sshHostKey: 'berth:ssh-host-key',
  /** Place → entry; and the place and the hash of the last. */
  audit: 'berth:audit',
  auditHead: 'berth:audit:head',
  auditTenants: 'berth:audit:tenants',
  /** Which backup the state comes from, for a while after it was restored. */
  restored: 'berth:restored',
  /** When the caller may ask next. */
  apiRate: (caller: string) => `berth:api-rate:${caller}`,
  tokens: 'berth:tokens',
  token: (id: TokenId) => `berth:token:${id}`,
  /** email → user id */
  userEmails: 'berth:user-emails',
  /** Who somebody is at the provider of single sign-on, as a hash → user id */
  userSubjects: 'berth:user-subjects',
  user: (id: UserId) => `berth:user:${id}`,
  /** user id → role */
  members: (id: TenantId) => `berth:tenant:${id}:members`,
  /** The hashes of the sessions of one user, or of `operator`. */
  userSessions: (owner: string) => `berth:sessions-of:${owner}`,
  session: (hash: string) => `berth:session:${hash}`,
  /** A one-time login code, by its hash. */
  loginCode: (hash: string) => `berth:login-code:${hash}`,
  /** A code of an authenticator app that was used. */
  usedTotp: (id: UserId, step: number) => `berth:totp-used:${id}:${step}`,
  invitations: 'berth:invitations',
  invitation: (id: string) => `berth:invitation:${id}`,
  /** name → app id */
  appNames: 'berth:app-names',
  app: (id: AppId) => `berth:app:${id}`,
  appCounter: 'berth:app-counter',
  releases: (id: AppId) => `berth:app:${id}:releases`,
  logs: (id: AppId) => `berth:app:${id}:logs`,
  /** Lines and bytes of the log, its limit, and what was dropped before it came here. */
  logFigures: (id: AppId) => `berth:app:${id}:log-figures`,
  /** How far a writer of an app's log has come; `writer` is an instance, or a process of Berth's. */
  logWriter: (id: AppId, writer: string) => `berth:app:${id}:log-writer:${writer}`,
  /** id → drain */
  drains: 'berth:drains',
  drainState: (id: string) => `berth:drain:${id}`,
  /** app → the line that was sent last */
  drainPositions: (id: string) => `berth:drain:${id}:positions`,
  events: (id: AppId) => `berth:app:${id}:events`,
  /** The newest of all apps (stream). */
  eventFeed: 'berth:events',
  appDeploys: (id: AppId) => `berth:app:${id}:deploys`,
  deploy: (id: DeployId) => `berth:deploy:${id}`,
  deployLog: (id: DeployId) => `berth:deploy:${id}:log`,
  openDeploys: 'berth:deploys:open',
  /** By when they were made, ms since 1970. */
  recentDeploys: 'berth:deploys:recent',
  run: (id: InstanceId) => `berth:run:${id}`,
  appRuns: (id: AppId) => `berth:app:${id}:runs`,
  runCounter: (id: AppId) => `berth:app:${id}:run-counter`,
  openRuns: 'berth:runs:open',
  /** `job:NAME` → how far its clock is; `pause:NAME` → who paused it */
  cron: (id: AppId) => `berth:app:${id}:cron`,
  instances: 'berth:instances',
  instance: (id: InstanceId) => `berth:instance:${id}`,
  /** Requests that it answered: `sum`, and of which each router has said so many. */
  instanceRequests: (id: InstanceId) => `berth:instance:${id}:requests`,
  meter: (subject: string) => `berth:meter:${subject}`,
  /** @param scope `app:ID` or `tenant:ID` */
  usage: (scope: string, resolution: string, group: number) => `berth:usage:${scope}:${resolution}:${group}`,
  /** The apps of a tenant that were destroyed and whose use is still in the ledger: id → name and time. */
  formerApps: (id: TenantId) => `berth:tenant:${id}:former-apps`,
  hosts: 'berth:hosts',
  host: (id: HostId) => `berth:host:${id}`,
  hostLease: (id: HostId) => `berth:host:${id}:lease`,
  hostInstances: (id: HostId) => `berth:host:${id}:instances`,
  hostBuilds: (id: HostId) => `berth:host:${id}:builds`,
  /** What the host's agent says of an instance, of a build, and of a stack: below its host, so that no other agent can write it. */
  hostInstance: (host: HostId, id: InstanceId) => `berth:host:${host}:instance:${id}`,
  hostBuild: (host: HostId, id: DeployId) => `berth:host:${host}:build:${id}`,
  hostStack: (host: HostId, name: string) => `berth:host:${host}:stack:${name}`,
  /** digest → bytes, of all layers on the host */
  hostLayers: (id: HostId) => `berth:host:${id}:layers`,
  /** host → the enrolment whose certificates count */
  enrolments: 'berth:enrolments',
  joinToken: (id: HostId) => `berth:host:${id}:join-token`,
  /** digest → since when nothing needs it, or `deleting` */
  condemnedLayers: 'berth:layers:condemned',
  /** digest → when somebody said to be about to use it */
  wantedLayers: 'berth:layers:wanted',
  /** Versions whose code is gone. */
  collectedReleases: (id: AppId) => `berth:app:${id}:collected`,
  stacks: 'berth:stacks',
  stack: (name: string) => `berth:stack:${name}`,
  stackLog: (name: string) => `berth:stack:${name}:log`,
  stackChoice: 'berth:stack-choice',
  /** id → certificate, without what is secret of it */
  certificates: 'berth:certificates',
  /** id → chain and private key, sealed */
  certificateSecrets: 'berth:certificates:secrets',
  /** Certificates, also those that were removed, by the version of their last change. */
  certificateChanges: 'berth:certificates:changes',
  /** Rises with every change of what routers need for TLS. */
  certificatesVersion: 'berth:certificates:version',
  /** router → the version that it serves from */
  certificatesSeen: 'berth:certificates:seen',
  /** host → where its automatic certificate stands */
  certificateOrders: 'berth:certificates:orders',
  /** token → what a certificate authority is to be answered */
  acmeChallenges: 'berth:acme:challenges',
  /** directory → account, sealed */
  acmeAccounts: 'berth:acme:accounts',
  ticketKey: 'berth:ticket-key',
  /** What became of a call with an Idempotency-Key; @param slot a digest of caller and key */
  once: (slot: string) => `berth:once:${slot}`,
  /** slot → when; @param caller a digest */
  onceOf: (caller: string) => `berth:once-of:${caller}`,
  /** Every address that the tenant's apps claim → app id. */
  addresses: (id: TenantId) => `berth:tenant:${id}:addresses`,
  /** The verified claims on a host, which are all one tenant's: address → tenant id. */
  domain: (host: string) => `berth:domain:${host}`,
  /** The verified claims on exact hosts directly below a name. */
  domainsBelow: (parent: string) => `berth:domains-below:${parent}`,
  /** The route table's version and mark; its rows are below. */
  routes: 'berth:routes',
  appRoutes: 'berth:routes:apps',
  routeTenants: 'berth:routes:tenants',
  /** The last changes, each under its version. */
  routeChanges: 'berth:routes:changes',
  routers: 'berth:routers',
  router: (id: string) => `berth:router:${id}`,
  /** @param account `tenant:ID` or `app:ID` */
  traffic: (account: string) => `berth:traffic:${account}`,
  /** What routers counted in a stretch of time: app and router → figures */
  figures: (slot: number) => `berth:figures:${slot}`,
  /** How many requests each instance answered in it: router → instances and counts */
  answered: (slot: number) => `berth:answered:${slot}`,
  /** What is to be told to webhooks and by mail, as a stream. */
  outbox: 'berth:outbox',
  /** id → webhook; id → how it does; id → how many messages were dropped */
  webhooks: 'berth:webhooks',
  webhookHealth: 'berth:webhooks:health',
  webhookDropped: 'berth:webhooks:dropped',
  /** Webhooks for which something waits, by when that is due; and for each what waits, by the same. */
  webhooksDue: 'berth:webhooks:due',
  webhookQueue: (id: string) => `berth:webhook:${id}:queue`,
  webhookDeliveries: (id: string) => `berth:webhook:${id}:deliveries`,
  webhookOver: (id: string) => `berth:webhook:${id}:over`,
  /** what an alert is about → how far it is */
  alertStandings: 'berth:alerts:standings',
  /** The last alerts that ended, of all tenants and of one. */
  alertsEnded: 'berth:alerts:ended',
  tenantAlertsEnded: (id: TenantId) => `berth:tenant:${id}:alerts:ended`,
  /** `app:ID`, `tenant:ID` or `platform` → what was set about its alerts */
  alertSettings: 'berth:alerts:settings',
  /** The same owners → when they were written to last. */
  mails: 'berth:mails',
  /** owner and id → a line of the next mail to it */
  mailLines: 'berth:mails:lines',
  mailCount: (tenant: string, day: string) => `berth:mails:count:${tenant}:${day}`,
  /** A ring of points. @param subject `app:ID`, `tenant:ID`, `host:ID` or `platform` */
  series: (subject: string, step: string) => `berth:series:${subject}:${step}`,
  seriesRolledUp: 'berth:series:rolled-up',
  lease: (name: string) => `berth:lease:${name}`,
  channel: (name: string) => `berth:channel:${name}`,
}
