/**
 * Who may do what in Redis, as rules of its access control lists (redis.io, "ACL"). One user for each role, and one for each
 * host's agent, with the keys, commands and channels that its code needs: an agent that is taken over reaches what its host is
 * told and says, not what other hosts, tenants' secrets or people's accounts are stored as.
 *
 * A rule in parentheses is a selector: these commands on these keys, beside what else the user may. A script's declared keys
 * must be free to be written, so what a role may only read is handed to scripts as an argument.
 */
import { queueName } from '../domain/host.ts'
import type { AppId, DeployId, HostId, InstanceId, RouterId } from '../domain/ids.ts'
import { keys } from './keys.ts'

/** @property rules for ACL SETUSER, or a line of an ACL file; without password */
export type StoreUser = { name: string; rules: readonly string[] }

/** As many as makeId makes, so that `berth:app:ID` is met and what lies below it, like its releases, is not. */
const anyId = (prefix: string) => `${prefix}-${'?'.repeat(13)}`
const anyApp = anyId('a') as AppId
const anyDeploy = anyId('d') as DeployId
const anyInstance = anyId('i') as InstanceId
const anyRouter = anyId('r') as RouterId
const ANY = '*'

const may = (access: 'read' | 'change', on: readonly string[], ...commands: string[]): string =>
  `(${[...on.map((key) => (access === 'read' ? `%R~${key}` : `~${key}`)), ...commands.map((name) => `+${name}`)].join(' ')})`

const SCRIPTS = ['eval', 'evalsha']

/** What a connection needs whatever it is for; INFO and SCRIPT are asked for by ioredis, TIME by scripts. */
const common = [
  '+@connection',
  '+@transaction',
  '-@dangerous',
  '-select',
  '+info',
  '+script|load',
  '+script|exists',
  '+time',
]

/** Lines of any app's log, and no other key of the app's. */
const logs = [
  may(
    'change',
    [keys.logs(anyApp), keys.logFigures(anyApp), keys.logWriter(anyApp, ANY)],
    ...[...SCRIPTS, 'xadd', 'xrange', 'xdel', 'get', 'set', 'hget', 'hset', 'hincrby'],
  ),
  may('read', [keys.app(anyApp)], 'exists', 'hgetall'),
]

const ledger = (meters: string): string =>
  may(
    'change',
    [keys.meter(meters), keys.usage(ANY, ANY, 0).replace(/0$/, ANY)],
    ...[...SCRIPTS, 'get', 'set', 'hget', 'hset', 'pexpireat'],
  )

/** The agent of one host. Its queue and all below its host's key are its own; BullMQ changes with its versions, so there it may do anything. */
export function agentUser(host: HostId): StoreUser {
  return {
    name: `agent-${host}`,
    rules: [
      `~bull:${queueName(host)}:*`,
      `~${keys.host(host)}`,
      `~${keys.host(host)}:*`,
      '+@read',
      '+@write',
      '+eval',
      '+evalsha',
      ...common,
      // Of every key, whoever's it is, and of the server.
      ...['-scan', '-randomkey', '-dbsize', '-function', '-fcall', '-fcall_ro'],
      may(
        'read',
        [
          keys.instance(anyInstance),
          keys.deploy(anyDeploy),
          keys.stacks,
          keys.stack(ANY),
          keys.hostStack(ANY as HostId, ANY),
          keys.restored,
        ],
        ...['get', 'hget', 'hgetall', 'hexists', 'smembers', 'exists'],
      ),
      may('change', [keys.hosts], 'sadd'),
      may('change', [keys.deployLog(anyDeploy), keys.stackLog(ANY)], 'xadd', 'expire'),
      may('change', [keys.events(anyApp), keys.eventFeed, keys.outbox], ...SCRIPTS, 'lpush', 'ltrim', 'xadd'),
      ...logs,
      ledger(ANY),
      `(&${keys.channel('changed')} +publish)`,
    ],
  }
}

/** Every router: they share the tenants' quotas, and none has a name that lasts. */
export const routerUser: StoreUser = {
  name: 'router',
  rules: [
    ...common,
    '+unsubscribe',
    may(
      'read',
      [
        keys.routes,
        keys.appRoutes,
        keys.routeTenants,
        keys.routeChanges,
        keys.certificates,
        keys.certificateSecrets,
        keys.certificateChanges,
        keys.certificatesVersion,
        keys.acmeChallenges,
        keys.ticketKey,
      ],
      ...['get', 'hget', 'hmget', 'hvals', 'hscan', 'xrange', 'zrangebyscore'],
    ),
    may('change', [keys.routers, keys.router(anyRouter)], 'sadd', 'srem', 'smembers', 'set', 'del', 'mget'),
    may('change', [keys.certificatesSeen], 'hset', 'hdel'),
    may('change', [keys.traffic(ANY)], ...SCRIPTS, 'hgetall', 'hset', 'hdel', 'pexpire'),
    may(
      'change',
      [keys.figures(0), keys.answered(0)].map((key) => key.replace(/0$/, ANY)),
      ...['hset', 'expire'],
    ),
    may('change', [keys.instanceRequests(anyInstance)], ...SCRIPTS, 'hget', 'hset', 'hincrby'),
    may('read', [keys.instance(anyInstance)], 'exists'),
    ...logs,
    ledger('router-*'),
    `(&${keys.channel('acknowledged')} +publish)`,
    `(&${keys.channel('routes')} &${keys.channel('certificates')} +subscribe)`,
  ],
}

/** The controllers: all of Berth's state, the hosts' queues, and the users of agents. Nothing of the server itself. */
export const controllerUser: StoreUser = {
  name: 'controller',
  rules: [
    '~berth:*',
    `~bull:${queueName(ANY as HostId)}:*`,
    `&${keys.channel(ANY)}`,
    '+@all',
    '-@admin',
    '-@dangerous',
    '-select',
    ...['-function', '-fcall', '-fcall_ro', '-script', '+script|load', '+script|exists', '+script|kill'],
    '+info',
    ...['+acl|whoami', '+acl|setuser', '+acl|deluser', '+acl|save'],
  ],
}

/** Whoever makes a backup is handed the whole state, as a replica is. It has a password only for as long as that takes. */
export const backupUser: StoreUser = { name: 'backup', rules: ['+ping', '+psync', '+sync', '+replconf'] }

/**
 * Nobody is let in who does not say who it is: the user is off, and has no password. It keeps its rights, because Redis replays its
 * append-only file as this user, and would leave out, in silence, every transaction and script in it that the user may not run.
 */
const DEFAULT_USER = 'user default off resetpass ~* &* +@all'

/** The arguments of ACL SETUSER that make a user what it is to be, whatever it was. @param hashes SHA-256 of its passwords, hex */
export const setUser = ({ name, rules }: StoreUser, hashes: readonly string[]): [name: string, ...rules: string[]] => [
  name,
  'reset',
  'on',
  ...hashes.map((hash) => `#${hash}`),
  ...rules,
]

const line = ({ name, rules }: StoreUser, hashes: readonly string[]): string =>
  ['user', name, 'on', ...hashes.map((hash) => `#${hash}`), 'resetchannels', '-@all', ...rules].join(' ')

/**
 * The ACL file of a Redis that is Berth's own. Agents that it knew stay known, with the rules of this version.
 * @param before what the file held, empty at first
 * @param hashes SHA-256 of the passwords of controller and router, hex
 */
export function aclFile(before: string, hashes: { controller: string; router: string }): string {
  const agents = [...before.matchAll(/^user agent-([a-z][a-z0-9-]*) (.*)$/gm)].map(([, host = '', rules = '']) =>
    line(
      agentUser(host as HostId),
      [...rules.matchAll(/(?:^| )#([0-9a-f]{64})(?= |$)/g)].map(([, found = '']) => found),
    ),
  )
  const lines = [
    DEFAULT_USER,
    line(controllerUser, [hashes.controller]),
    line(routerUser, [hashes.router]),
    line(backupUser, []),
    ...agents,
  ]
  return lines.join('\n') + '\n'
}
