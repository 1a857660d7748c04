/** Berth's parts as systemd units, as text: systemd.unit(5), systemd.service(5), systemd.exec(5). Says what; install.ts does it. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Config } from '#core/runtime/config.ts'
import { partsOf, redisPart, type Part } from '../up/parts.ts'
import { loginPath } from '../up/store-users.ts'

export const roles = ['all', 'controller', 'router', 'agent'] as const
export type Role = (typeof roles)[number]

export type Unit = { name: string; text: string }

/** What a unit may be told by: root's alone, since passwords may be in it. */
export const ENVIRONMENT_FILE = '/etc/berth/berth.env'
export const TARGET = 'berth.target'

type Place = { config: Config; path: string }

/** @param path the PATH of the parts, in which their programs are */
export function unitsOf(role: Role, place: Place): Unit[] {
  const wanted = partsOf(place.config).filter(({ name }) => isMeant(name, role))
  return [...wanted.map((part) => serviceOf(part, wanted, place)), targetOf(wanted)]
}

function isMeant(name: Part['name'], role: Role): boolean {
  if (role === 'all') return true
  return name === role || (role === 'controller' && name === 'redis')
}

export const serviceName = (part: Part['name']): string => `berth-${part}.service`

function targetOf(parts: Part[]): Unit {
  const services = parts.map(({ name }) => serviceName(name)).join(' ')
  const text = sections({
    Unit: ['Description=Berth', `Wants=${services}`],
    Install: ['WantedBy=multi-user.target'],
  })
  return { name: TARGET, text }
}

const descriptions: Record<Part['name'], string> = {
  redis: 'Berth: the store (Redis)',
  controller: 'Berth: the controller (API, git, deploys, reconciler)',
  agent: 'Berth: the agent (runs the apps of this host)',
  router: "Berth: the router (carries the apps' requests)",
}

/** The store before who decides, and who decides before the rest; each is started again by itself, so none requires another. */
const after: Record<Part['name'], Part['name'][]> = {
  redis: [],
  controller: ['redis'],
  agent: ['redis', 'controller'],
  router: ['redis', 'controller'],
}

function serviceOf(part: Part, all: Part[], place: Place): Unit {
  const there = new Set(all.map(({ name }) => name))
  const before = after[part.name].filter((name) => there.has(name)).map(serviceName)
  const seconds = Math.ceil(part.stopMs / 1000)
  const text = sections({
    Unit: [
      `Description=${descriptions[part.name]}`,
      'Wants=network-online.target',
      `After=${['network-online.target', ...before].join(' ')}`,
      `PartOf=${TARGET}`,
      // However often it ends, it is started again.
      'StartLimitIntervalSec=0',
    ],
    Service: [
      'Type=exec',
      ...(part.name === 'redis' ? [`ExecStartPre=${quoted(process.execPath)} ${quoted(PREPARE_USERS)}`] : []),
      `ExecStart=${part.argv.map(quoted).join(' ')}`,
      `Environment=${quoted(`PATH=${place.path}`)}`,
      ...Object.entries(part.env ?? {}).map(([name, value]) => `Environment=${quoted(`${name}=${value}`)}`),
      `EnvironmentFile=-${ENVIRONMENT_FILE}`,
      ...loginOf(part.name, place.config),
      'Restart=always',
      'RestartSec=1',
      `TimeoutStopSec=${seconds}`,
      `UMask=${part.folder ? '0077' : '0022'}`,
      'StandardOutput=journal',
      'StandardError=journal',
      `SyslogIdentifier=berth-${part.name}`,
      'LimitNOFILE=1048576',
      ...hardening[part.name](place.config),
    ],
    Install: [`WantedBy=${TARGET}`],
  })
  return { name: serviceName(part.name), text }
}

const PREPARE_USERS = fileURLToPath(new URL('../store-users.ts', import.meta.url))

/** As whom it speaks to the embedded Redis: an agent is told that by the controller. */
const loginOf = (name: Part['name'], { home, redisEmbedded }: Config): string[] =>
  redisEmbedded && (name === 'controller' || name === 'router') ? [`EnvironmentFile=-${loginPath(home, name)}`] : []

const sections = (parts: Record<string, string[]>): string =>
  Object.entries(parts)
    .map(([name, lines]) => `[${name}]\n${lines.join('\n')}\n`)
    .join('\n')

/** systemd.syntax(7), "Quoting"; a `%` begins a specifier and a `$` a variable. */
export const quoted = (word: string): string =>
  /^[A-Za-z0-9_./:=@+,-]+$/.test(word)
    ? word
    : `"${word.replace(/["\\]/g, '\\$&').replaceAll('%', '%%').replaceAll('$', '$$$$')}"`

/** What no part needs. No MemoryDenyWriteExecute: V8 compiles. */
const common = [
  'NoNewPrivileges=yes',
  'LockPersonality=yes',
  'RestrictRealtime=yes',
  'ProtectClock=yes',
  'ProtectKernelModules=yes',
  'ProtectKernelLogs=yes',
  'ProtectHostname=yes',
  'SystemCallArchitectures=native',
]

/** The machine's files are read-only, but for these. */
const confined = (...writable: string[]): string[] => [
  'ProtectSystem=strict',
  'ProtectHome=read-only',
  'PrivateTmp=yes',
  'PrivateDevices=yes',
  'ProtectControlGroups=yes',
  `ReadWritePaths=${writable.map((path) => quoted(`-${path}`)).join(' ')}`,
]

const hardening: Record<Part['name'], (config: Config) => string[]> = {
  redis: ({ home }) => [
    ...common,
    ...confined(join(home, 'redis')),
    'ProtectKernelTunables=yes',
    'RestrictNamespaces=yes',
    'RestrictAddressFamilies=AF_UNIX',
    'CapabilityBoundingSet=',
    'OOMScoreAdjust=-900',
    'KillMode=mixed',
  ],
  controller: ({ home, cache }) => [
    ...common,
    ...confined(home, cache),
    'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK',
    // Git runs as another user in namespaces of its own, which root makes and then gives up its rights (controller/git/sandbox.ts).
    'CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_KILL CAP_SETUID CAP_SETGID CAP_SETPCAP CAP_SYS_ADMIN CAP_SYS_CHROOT CAP_NET_ADMIN CAP_NET_BIND_SERVICE',
    'OOMScoreAdjust=-800',
    'KillMode=mixed',
  ],
  router: ({ home, cache }) => [
    ...common,
    ...confined(join(home, 'router'), cache),
    'RestrictNamespaces=yes',
    'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6',
    // Ports below 1024, and the sysctl that lets connections move to the successor of a worker.
    'CapabilityBoundingSet=CAP_NET_BIND_SERVICE CAP_NET_ADMIN CAP_DAC_OVERRIDE',
    'OOMScoreAdjust=-700',
    'KillMode=mixed',
    'ExecReload=/bin/kill -USR2 $MAINPID',
  ],
  // It makes what the others are kept from: mounts that outlive it and that its successor must find, so it has no mount namespace of its
  // own; cgroups, links, devices. A filter of system calls would be its tenants', too, and theirs is their sandbox's.
  agent: () => [
    'NoNewPrivileges=yes',
    // Its instances live on while it is replaced.
    'KillMode=process',
    'SendSIGKILL=no',
    'Delegate=yes',
    'TasksMax=infinity',
    'LimitMEMLOCK=infinity',
    'OOMScoreAdjust=-900',
    'MemoryMin=128M',
    'CPUWeight=1000',
  ],
}

/** A file of NAME="value" lines (systemd.exec(5), EnvironmentFile=). @throws for a value that has a line end */
export function environmentFile(settings: Record<string, string>): string {
  const lines = Object.entries(settings).map(([name, value]) => {
    if (/[\r\n\0]/.test(value)) throw new Error(`${name} holds a line end, which no environment file can carry.`)
    return `${name}="${value.replace(/["\\$`]/g, '\\$&')}"`
  })
  return `# Berth's settings (README, "Settings"). After a change: systemctl restart ${TARGET}\n${lines.join('\n')}\n`
}

/** The folders that must be there before a unit starts, as its namespace is made of them. */
export const foldersOf = ({ home, cache }: Config): string[] => [
  home,
  redisPart(join(home, 'redis')).folder ?? home,
  join(home, 'router'),
  cache,
]
