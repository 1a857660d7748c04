/** The environment, read once and validated. An error names the variable, the value and what it must be. */
import { availableParallelism, hostname } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { readCidr } from '../domain/cidr.ts'
import { badSetting } from '../domain/errors.ts'
import { isId, type HostId } from '../domain/ids.ts'
import { readNetwork } from '../domain/network.ts'
import { consoleUrl, readOidc, type OidcConfig } from './sign-on-config.ts'

export type Config = {
  home: string
  /** Things that can be made again and are shared by all Berths of a machine: stack images, runtimes. */
  cache: string
  hostId: HostId
  /** Under which address other hosts reach this one's instances; null: their own addresses are routable (one machine). */
  hostAddress: string | null
  /** Where the controller and the API listen. */
  apiAddress: string
  apiPort: number
  /** How often one caller may ask the API in a minute; 0: as often as it likes. */
  apiRate: number
  /** The same of those whom nobody knows, by address. */
  apiRateStrangers: number
  /** Where git is served over SSH, at the same address; 0: nowhere. */
  sshPort: number
  /** Whether somebody chose that port: a usual one that is taken, by another Berth for one, is done without. */
  sshPortChosen: boolean
  /** A new host key that the operator means to use, by its fingerprint; empty: none. */
  sshNewHostKey: string
  /** Whether git runs in namespaces of its own. Off where none can be made, as in most containers. */
  gitSandbox: boolean
  /** The most that an app's repository, the files of a commit, or an upload may take. */
  sourceMb: number
  /** Where the controller listens for agents, by TLS with certificates on both sides. */
  internalAddress: string
  internalPort: number
  /** How long a host's certificate counts that is not renewed. */
  hostCertificateMs: number
  /** How this machine's agent reaches that. */
  controllerUrl: string
  /** Where people's browsers reach the console and the API, as an origin; null: only on this machine, by http. */
  consoleUrl: string | null
  /** Who else vouches for people (OpenID Connect); null: nobody. */
  oidc: OidcConfig | null
  httpAddress: string
  httpPort: number
  /** Where the routers take TLS, at the same address. */
  httpsPort: number
  /** Where the router tells Prometheus its figures, on this machine only; null: nowhere. */
  routerMetricsPort: number | null
  domain: string
  /** The key that opens certificates' private keys, on a machine of routers; elsewhere the controller makes it there. */
  certificatesKeyFile: string
  /** Who issues certificates automatically; null: nobody. */
  acme: AcmeConfig | null
  /** How many processes the router is; each serves on the same port. */
  routerWorkers: number
  /** How long a router that ends says that it is not ready before it takes no more connections: a load balancer's reaction. */
  routerSettleMs: number
  /** Whether connections begin with a PROXY protocol header; then only those of trusted proxies are taken. */
  proxyProtocol: boolean
  /** Load balancers whose word on clients counts, as CIDRs of IPv4 or IPv6. */
  trustedProxies: string[]
  /** Name servers that are asked whose a domain is, with or without a port; empty: the machine's own. */
  domainResolvers: string[]
  /** Connections to where tenants say, such as webhooks. */
  outbound: OutboundConfig
  /** How alerts are mailed; null: they are not. */
  mail: MailConfig | null
  agentPort: number
  /** What an operator made by `berth hosts:add`, for a machine that is to become a host; null: there is a file, or it is one. */
  joinToken: string | null
  /** `redis://…`, `rediss://…` or `unix:///path/redis.sock`. */
  redisUrl: string
  redisEmbedded: boolean
  logLevel: string
  /** Name servers that sandboxes may ask, on port 53 only; empty: the host's own. */
  resolvers: string[]
  /** Networks that no sandbox may reach whatever its tenant's policy says, as CIDRs: the platform's own, an office, … */
  blocked: string[]
  /** Routers on other machines, as CIDRs: who may connect to instances at this host's address. */
  routers: string[]
  /** Bundle of certificate authorities that builds and apps trust. */
  caBundle: string
  npmRegistry: string
  /** The OCI runtime that makes sandboxes: the name of a program on PATH, or its path. */
  ociRuntime: string
  /** Where the stack image's Debian packages come from. */
  debianMirror: string
  debianSecurityMirror: string
  bootTimeoutMs: number
  buildTimeoutMs: number
  buildMemoryMb: number
  buildDiskMb: number
  /** Of each app's cache, on each host that builds for it. */
  buildCacheMb: number
  /** The longest that a one-off run may take. */
  runTimeoutMs: number
  /** How many builds one host runs at a time. */
  buildSlots: number
  /** The bucket that holds slugs; null: a folder of BERTH_HOME. */
  slugStore: SlugStore | null
  /** How many releases of an app besides the current one keep their code, to be rolled back to. */
  keepReleases: number
  /** How much of slugs that nothing uses at the moment a host keeps, to start them again without fetching. */
  layerCacheMb: number
  /** What the agent offers; null: what the machine has, less a reserve for the host. */
  capacityMemoryMb: number | null
}

export type MailConfig = {
  host: string
  port: number
  /** TLS from the first byte, instead of STARTTLS. */
  secure: boolean
  auth: { user: string; pass: string } | null
  /** `alerts@example.com` or `Berth <alerts@example.com>`. */
  from: string
}

export type OutboundConfig = {
  /** Private networks that tenants may have the platform connect to, as CIDRs; also without TLS. */
  networks: string[]
  /** The authorities that vouch for such servers, as a PEM bundle. */
  caBundle: string
}

/** A certificate authority that speaks ACME (RFC 8555), and who we are to it. */
export type AcmeConfig = {
  /** The URL of its directory. */
  directory: string
  /** Where it may write to about expiring certificates. */
  email: string | null
  /** The authorities that vouch for its own server, as a PEM bundle. */
  caBundle: string
  /** An operator's program that changes DNS records, for wildcards; null: there is none. */
  dnsHook: string | null
  /** External account binding (RFC 8555 §7.3.4), where the authority wants to know its customers. */
  externalAccount: { keyId: string; hmacKey: string } | null
}

/** A bucket of a store that speaks S3. Its keys come from where Amazon's SDKs look for them, AWS_ACCESS_KEY_ID first. */
export type SlugStore = {
  bucket: string
  /** Empty, or with a slash at its end. */
  prefix: string
  /** null: Amazon's own. */
  endpoint: string | null
  region: string
}

type Environment = Record<string, string | undefined>

/** @throws BAD_SETTING */
export function readConfig(env: Environment): Config {
  const trustedProxies = proxies(env, 'BERTH_TRUSTED_PROXIES')
  const home = path(env, 'BERTH_HOME', '/var/lib/berth')
  const apiPort = port(env, 'BERTH_API_PORT', 4000)
  const apiAddress = address(env, 'BERTH_API_ADDRESS', '127.0.0.1')
  const internalAddress = address(env, 'BERTH_INTERNAL_ADDRESS', apiAddress)
  const internalPort = port(env, 'BERTH_INTERNAL_PORT', 4001)
  const hostId = text(env, 'BERTH_HOST_ID', defaultHostId())
  if (!isId(hostId))
    throw badSetting(
      'BERTH_HOST_ID',
      hostId,
      'lower-case letters, digits and single dashes, a letter first, at most 63',
    )
  const redisUrl = text(env, 'BERTH_REDIS_URL', '')
  if (redisUrl !== '' && !/^(rediss?|unix):\/\//.test(redisUrl))
    throw badSetting('BERTH_REDIS_URL', redisUrl, 'redis://…, rediss://… or unix:///path')
  const debianMirror = url(env, 'BERTH_DEBIAN_MIRROR', 'http://deb.debian.org/debian')
  return Object.freeze({
    home,
    cache: path(env, 'BERTH_CACHE', '/var/cache/berth'),
    hostId: hostId as HostId,
    hostAddress: optionalAddress(env, 'BERTH_HOST_ADDRESS'),
    apiAddress,
    apiPort,
    apiRate: number(env, 'BERTH_API_RATE', 6000, 0, 1e6),
    apiRateStrangers: number(env, 'BERTH_API_RATE_STRANGERS', 600, 0, 1e6),
    sshPort: text(env, 'BERTH_SSH_PORT', '') === '0' ? 0 : port(env, 'BERTH_SSH_PORT', 2222),
    sshPortChosen: text(env, 'BERTH_SSH_PORT', '') !== '',
    sshNewHostKey: fingerprint(env, 'BERTH_SSH_NEW_HOST_KEY'),
    gitSandbox: oneOf(env, 'BERTH_GIT_SANDBOX', ['on', 'off'], 'on') === 'on',
    sourceMb: number(env, 'BERTH_SOURCE_MB', 1024, 1, 1024 * 1024),
    consoleUrl: consoleUrl(env),
    oidc: readOidc(env),
    internalAddress,
    internalPort,
    hostCertificateMs: number(env, 'BERTH_HOST_CERTIFICATE_HOURS', 24, 1, 8760) * 3600_000,
    controllerUrl: controllerUrl(env, `https://${reachable(internalAddress)}:${internalPort}`),
    httpAddress: address(env, 'BERTH_HTTP_ADDRESS', '0.0.0.0'),
    httpPort: port(env, 'BERTH_HTTP_PORT', 8080),
    httpsPort: port(env, 'BERTH_HTTPS_PORT', 8443),
    routerMetricsPort: env['BERTH_ROUTER_METRICS_PORT'] ? port(env, 'BERTH_ROUTER_METRICS_PORT', 0) : null,
    domain: domain(env, 'BERTH_DOMAIN', 'localhost'),
    certificatesKeyFile: path(env, 'BERTH_CERTIFICATES_KEY_FILE', join(home, 'certificates-key')),
    acme: acme(env),
    routerWorkers: number(env, 'BERTH_ROUTER_WORKERS', Math.min(availableParallelism(), MAX_USUAL_WORKERS), 1, 256),
    routerSettleMs: number(env, 'BERTH_ROUTER_SETTLE', 1, 0, 300) * 1000,
    proxyProtocol: proxyProtocol(env, trustedProxies),
    trustedProxies,
    domainResolvers: nameServers(env, 'BERTH_DOMAIN_RESOLVERS'),
    outbound: {
      networks: proxies(env, 'BERTH_OUTBOUND_NETWORKS'),
      caBundle: path(env, 'BERTH_OUTBOUND_CA', '/etc/ssl/certs/ca-certificates.crt'),
    },
    mail: mail(env),
    agentPort: port(env, 'BERTH_AGENT_PORT', 4100),
    joinToken: text(env, 'BERTH_JOIN_TOKEN', '') || null,
    redisUrl: redisUrl === '' ? `unix://${join(home, 'redis', 'redis.sock')}` : redisUrl,
    redisEmbedded: redisUrl === '',
    logLevel: oneOf(env, 'BERTH_LOG_LEVEL', ['debug', 'info', 'warn', 'error', 'silent'], 'info'),
    resolvers: addresses(env, 'BERTH_RESOLVERS'),
    blocked: networks(env, 'BERTH_BLOCKED'),
    routers: networks(env, 'BERTH_ROUTERS'),
    caBundle: path(env, 'BERTH_CA_BUNDLE', '/etc/ssl/certs/ca-certificates.crt'),
    npmRegistry: url(env, 'BERTH_NPM_REGISTRY', 'https://registry.npmjs.org'),
    ociRuntime: program(env, 'BERTH_OCI_RUNTIME', 'crun'),
    debianMirror,
    debianSecurityMirror: url(
      env,
      'BERTH_DEBIAN_SECURITY_MIRROR',
      debianMirror.replace(/\/debian\/?$/, '') + '/debian-security',
    ),
    bootTimeoutMs: number(env, 'BERTH_BOOT_TIMEOUT', 600, 1, 600) * 1000,
    buildTimeoutMs: number(env, 'BERTH_BUILD_TIMEOUT', 900, 1, 7200) * 1000,
    buildMemoryMb: number(env, 'BERTH_BUILD_MEMORY_MB', 2048, 64, 65_536),
    buildDiskMb: number(env, 'BERTH_BUILD_DISK_MB', 4096, 32, 102_400),
    buildCacheMb: number(env, 'BERTH_BUILD_CACHE_MB', 2048, 16, 102_400),
    runTimeoutMs: number(env, 'BERTH_RUN_TIMEOUT', 86_400, 1, 604_800) * 1000,
    buildSlots: number(env, 'BERTH_BUILD_SLOTS', 1, 1, 64),
    slugStore: slugStore(env),
    keepReleases: number(env, 'BERTH_KEEP_RELEASES', 10, 0, 1000),
    layerCacheMb: number(env, 'BERTH_LAYER_CACHE_MB', 10_240, 0, 100_000_000),
    capacityMemoryMb: env['BERTH_CAPACITY_MEMORY_MB'] ? number(env, 'BERTH_CAPACITY_MEMORY_MB', 0, 64, 1e8) : null,
  })
}

/** Agents show certificates, so nothing but TLS will do. @throws BAD_SETTING */
function controllerUrl(env: Environment, fallback: string): string {
  const value = url(env, 'BERTH_CONTROLLER_URL', fallback)
  if (value.startsWith('https:')) return value
  const expected = 'the https URL of where the controller listens for agents, like https://berth.internal:4001'
  throw badSetting('BERTH_CONTROLLER_URL', value, expected)
}

/** An address that listens, as one to connect to from the same machine. */
const reachable = (address: string): string =>
  address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '[::1]' : address.includes(':') ? `[${address}]` : address

/** The API as programs on the controller's own machine reach it. */
export const ownApiUrl = ({ apiAddress, apiPort }: Pick<Config, 'apiAddress' | 'apiPort'>): string =>
  `http://${reachable(apiAddress)}:${apiPort}`

/** Names of buckets: Amazon S3 User Guide, "Bucket naming rules". */
function slugStore(env: Environment): SlugStore | null {
  const value = text(env, 'BERTH_SLUG_STORE', '')
  if (value === '') return null
  const [, bucket, prefix = ''] =
    /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([A-Za-z0-9._/-]*))?$/.exec(value) ?? []
  if (bucket === undefined || prefix.split('/').includes('..'))
    throw badSetting(
      'BERTH_SLUG_STORE',
      value,
      's3://BUCKET or s3://BUCKET/PREFIX, or nothing for a folder of BERTH_HOME',
    )
  const parts = prefix.split('/').filter((part) => part !== '')
  return {
    bucket,
    prefix: parts.map((part) => `${part}/`).join(''),
    endpoint: text(env, 'BERTH_SLUG_STORE_ENDPOINT', '') === '' ? null : url(env, 'BERTH_SLUG_STORE_ENDPOINT', ''),
    region: text(env, 'BERTH_SLUG_STORE_REGION', 'us-east-1'),
  }
}

/** Off without a directory: an account at an authority, and agreeing to its terms, are the operator's to decide. */
function acme(env: Environment): AcmeConfig | null {
  if (text(env, 'BERTH_ACME_DIRECTORY', '') === '') return null
  const directory = url(env, 'BERTH_ACME_DIRECTORY', '')
  const agreed = text(env, 'BERTH_ACME_AGREE_TERMS', '')
  if (agreed !== 'yes')
    throw badSetting('BERTH_ACME_AGREE_TERMS', agreed, `yes, which agrees to the terms of service of ${directory}`)
  const email = text(env, 'BERTH_ACME_EMAIL', '')
  if (email !== '' && !/^[^\s@:,?]+@[^\s@:,?]+$/.test(email))
    throw badSetting('BERTH_ACME_EMAIL', email, 'one e-mail address')
  return {
    directory,
    email: email || null,
    caBundle: path(env, 'BERTH_ACME_CA', '/etc/ssl/certs/ca-certificates.crt'),
    dnsHook: text(env, 'BERTH_ACME_DNS_HOOK', '') === '' ? null : path(env, 'BERTH_ACME_DNS_HOOK', ''),
    externalAccount: externalAccount(env),
  }
}

function externalAccount(env: Environment): AcmeConfig['externalAccount'] {
  const keyId = text(env, 'BERTH_ACME_EAB_KID', '')
  const hmacKey = text(env, 'BERTH_ACME_EAB_HMAC_KEY', '')
  if (keyId === '' && hmacKey === '') return null
  if (keyId === '') throw badSetting('BERTH_ACME_EAB_KID', keyId, 'given together with BERTH_ACME_EAB_HMAC_KEY')
  // The value is a secret, so the sentence does not repeat it.
  if (!/^[A-Za-z0-9_-]{16,}$/.test(hmacKey))
    throw badSetting('BERTH_ACME_EAB_HMAC_KEY', '…', 'the base64url text that the authority gave')
  return { keyId, hmacKey }
}

function mail(env: Environment): MailConfig | null {
  const value = text(env, 'BERTH_SMTP_URL', '')
  if (value === '') return null
  const expected = 'a URL like smtp://user:password@mail.example.com:587, or smtps://… for TLS from the first byte'
  const read = URL.canParse(value) ? new URL(value) : null
  // What may be a password is not repeated.
  if (!read || !/^smtps?:$/.test(read.protocol) || read.hostname === '' || read.search !== '' || read.hash !== '')
    throw badSetting('BERTH_SMTP_URL', '…', expected)
  const from = text(env, 'BERTH_MAIL_FROM', '')
  if (!/^(?:[\p{L}\d][\p{L}\d ._-]{0,60} <[^\s@<>,;:"]+@[^\s@<>,;:"]+>|[^\s@<>,;:"]+@[^\s@<>,;:"]+)$/u.test(from))
    throw badSetting('BERTH_MAIL_FROM', from, 'a mail address like alerts@example.com or Berth <alerts@example.com>')
  const secure = read.protocol === 'smtps:'
  return {
    host: read.hostname.replace(/^\[|\]$/g, ''),
    port: read.port === '' ? (secure ? 465 : 587) : Number(read.port),
    secure,
    auth:
      read.username === ''
        ? null
        : { user: decodeURIComponent(read.username), pass: decodeURIComponent(read.password) },
    from,
  }
}

/** One process carries tens of thousands of requests a second, and takes memory that apps could have. */
const MAX_USUAL_WORKERS = 8

/** A setting that would refuse every connection is a mistake. */
function proxyProtocol(env: Environment, trusted: string[]): boolean {
  const value = oneOf(env, 'BERTH_PROXY_PROTOCOL', ['on', 'off'], 'off')
  if (value === 'on' && trusted.length === 0)
    throw badSetting('BERTH_PROXY_PROTOCOL', value, 'off as long as BERTH_TRUSTED_PROXIES names no load balancer')
  return value === 'on'
}

function defaultHostId(): string {
  const cleaned = hostname()
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
    .slice(0, 40)
    .replace(/-+$/, '')
  return isId(cleaned) ? cleaned : 'host'
}

function text(env: Environment, name: string, fallback: string): string {
  const value = env[name]
  return value === undefined || value === '' ? fallback : value
}

function path(env: Environment, name: string, fallback: string): string {
  const value = text(env, name, fallback)
  // A ':' or ',' would change the meaning of an overlay's mount options.
  if (!isAbsolute(value) || !/^[A-Za-z0-9._/@+-]+$/.test(value))
    throw badSetting(name, value, 'an absolute path of letters, digits and ._/@+-')
  return value.replace(/\/+$/, '')
}

function program(env: Environment, name: string, fallback: string): string {
  const value = text(env, name, fallback)
  if (!/^(\/[A-Za-z0-9._+-]+)+$|^[A-Za-z0-9][A-Za-z0-9._+-]*$/.test(value))
    throw badSetting(name, value, 'the name of a program or its absolute path')
  return value
}

function port(env: Environment, name: string, fallback: number): number {
  const value = text(env, name, String(fallback))
  if (!/^\d{1,5}$/.test(value) || Number(value) < 1 || Number(value) > 65_535)
    throw badSetting(name, value, 'a port number from 1 to 65535')
  return Number(value)
}

/** As `ssh-keygen -l` prints it. */
function fingerprint(env: Environment, name: string): string {
  const value = text(env, name, '')
  if (value !== '' && !/^SHA256:[A-Za-z0-9+/]{43}$/.test(value))
    throw badSetting(name, value, 'a fingerprint like SHA256:… with 43 letters, as the controller logs it')
  return value
}

function number(env: Environment, name: string, fallback: number, min: number, max: number): number {
  const value = text(env, name, String(fallback))
  if (!/^\d+$/.test(value) || Number(value) < min || Number(value) > max)
    throw badSetting(name, value, `a whole number from ${min} to ${max}`)
  return Number(value)
}

const isIpv4 = (value: string) =>
  /^(\d{1,3}\.){3}\d{1,3}$/.test(value) && value.split('.').every((part) => Number(part) <= 255)

function address(env: Environment, name: string, fallback: string): string {
  const value = text(env, name, fallback)
  if (!isIpv4(value) && value !== '::' && value !== '::1') throw badSetting(name, value, 'an IPv4 address, :: or ::1')
  return value
}

function optionalAddress(env: Environment, name: string): string | null {
  const value = text(env, name, '')
  if (value !== '' && !isIpv4(value)) throw badSetting(name, value, 'an IPv4 address')
  return value === '' ? null : value
}

function addresses(env: Environment, name: string): string[] {
  const values = list(env, name)
  for (const value of values) if (!isIpv4(value)) throw badSetting(name, value, 'IPv4 addresses, separated by commas')
  return values
}

function nameServers(env: Environment, name: string): string[] {
  const values = list(env, name)
  for (const value of values) {
    const [address = '', port = '53', ...more] = value.split(':')
    if (!isIpv4(address) || !/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65_535 || more.length > 0)
      throw badSetting(name, value, 'IPv4 addresses, with or without :PORT, separated by commas')
  }
  return values
}

function networks(env: Environment, name: string): string[] {
  return list(env, name).map((value) => {
    const cidr = readCidr(value)
    if (cidr === null)
      throw badSetting(
        name,
        value,
        'IPv4 networks such as 10.1.0.0/16 (no bits set beyond the prefix), separated by commas',
      )
    return cidr
  })
}

function proxies(env: Environment, name: string): string[] {
  const values = list(env, name)
  for (const value of values)
    if (readNetwork(value) === null)
      throw badSetting(
        name,
        value,
        'networks such as 10.1.0.0/16 or fd00::/8 (no bits set beyond the prefix), separated by commas',
      )
  return values
}

const list = (env: Environment, name: string): string[] =>
  text(env, name, '')
    .split(',')
    .map((value) => value.trim())
    .filter((value) => value !== '')

function url(env: Environment, name: string, fallback: string): string {
  const value = text(env, name, fallback)
  if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol))
    throw badSetting(name, value, 'an http or https URL')
  return value.replace(/\/+$/, '')
}

function domain(env: Environment, name: string, fallback: string): string {
  const value = text(env, name, fallback).toLowerCase()
  if (!/^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(value) || value.length > 200)
    throw badSetting(name, value, 'a domain name')
  return value
}

function oneOf(env: Environment, name: string, allowed: string[], fallback: string): string {
  const value = text(env, name, fallback)
  if (!allowed.includes(value)) throw badSetting(name, value, `one of ${allowed.join(', ')}`)
  return value
}
