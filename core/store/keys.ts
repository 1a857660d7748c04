/** Every Redis key that Berth uses, besides BullMQ's. Ids are checked where they enter, so none can reach another's key. */
import type { AppId, DeployId, HostId, InstanceId, TenantId, TokenId } from '../domain/ids.ts'

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
  tokens: 'berth:tokens',
  token: (id: TokenId) => `berth:token:${id}`,
  /** name → app id */
  appNames: 'berth:app-names',
  app: (id: AppId) => `berth:app:${id}`,
  appCounter: 'berth:app-counter',
  releases: (id: AppId) => `berth:app:${id}:releases`,
  logs: (id: AppId) => `berth:app:${id}:logs`,
  events: (id: AppId) => `berth:app:${id}:events`,
  appDeploys: (id: AppId) => `berth:app:${id}:deploys`,
  deploy: (id: DeployId) => `berth:deploy:${id}`,
  deployLog: (id: DeployId) => `berth:deploy:${id}:log`,
  openDeploys: 'berth:deploys:open',
  run: (id: InstanceId) => `berth:run:${id}`,
  appRuns: (id: AppId) => `berth:app:${id}:runs`,
  runCounter: (id: AppId) => `berth:app:${id}:run-counter`,
  openRuns: 'berth:runs:open',
  /** `job:NAME` → how far its clock is; `pause:NAME` → who paused it */
  cron: (id: AppId) => `berth:app:${id}:cron`,
  instances: 'berth:instances',
  instance: (id: InstanceId) => `berth:instance:${id}`,
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
  /** digest → bytes, of all layers on the host */
  hostLayers: (id: HostId) => `berth:host:${id}:layers`,
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
  lease: (name: string) => `berth:lease:${name}`,
  channel: (name: string) => `berth:channel:${name}`,
}
