/** Every Redis key that Berth uses, besides BullMQ's. Ids are checked where they enter, so none can reach another's key. */
import type { AppId, DeployId, HostId, InstanceId, TenantId, TokenId } from '../domain/ids.ts'

export const keys = {
  tenants: 'berth:tenants',
  tenant: (id: TenantId) => `berth:tenant:${id}`,
  /** Rises with every change of what the tenant's apps are promised. */
  promises: (id: TenantId) => `berth:tenant:${id}:promises`,
  /** name → plan */
  plans: 'berth:plans',
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
  stacks: 'berth:stacks',
  stack: (name: string) => `berth:stack:${name}`,
  stackLog: (name: string) => `berth:stack:${name}:log`,
  stackChoice: 'berth:stack-choice',
  routes: 'berth:routes',
  routers: 'berth:routers',
  router: (id: string) => `berth:router:${id}`,
  lease: (name: string) => `berth:lease:${name}`,
  channel: (name: string) => `berth:channel:${name}`,
}
