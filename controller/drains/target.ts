/** What the URL of a drain says. */
import { badRequest } from '#core/domain/errors.ts'
import { drainSchemes, type DrainScheme } from '#core/domain/drain.ts'
import { faultOfUrl, hostOf } from '../outbound/url.ts'

export type DrainTarget =
  { kind: 'https'; url: string } | { kind: 'syslog'; host: string; port: number; isEncrypted: boolean }

/** IANA's: syslog over TLS (RFC 5425 §4.1), and what plain TCP collectors listen on (RFC 6587 §3.2 names none). */
const PORTS = { 'syslog:': 514, 'syslog+tls:': 6514 } as const
const NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*\.?$/i
const IPV6 = /^\[[0-9a-f:.]{2,45}\]$/i

/** @throws BAD_REQUEST with what is wrong, and how it should look */
export function targetOf(text: string): DrainTarget {
  const scheme = /^([a-z][a-z0-9+.-]*:)\/\//i.exec(text)?.[1]?.toLowerCase()
  if (!(drainSchemes as readonly unknown[]).includes(scheme))
    throw badRequest(
      `url: must begin with https://, syslog+tls:// or syslog://, as in syslog+tls://logs.example.com:6514, got "${text.slice(0, 40)}".`,
    )
  return scheme === 'https:' || scheme === 'http:' ? webTarget(text) : syslogTarget(text, scheme as keyof typeof PORTS)
}

function webTarget(text: string): DrainTarget {
  const fault = faultOfUrl(text)
  if (fault !== null) throw badRequest(`url: ${fault}`)
  return { kind: 'https', url: text }
}

function syslogTarget(text: string, scheme: keyof typeof PORTS): DrainTarget {
  if (text.length > 300 || !URL.canParse(text))
    throw badRequest('url: must be one like syslog+tls://logs.example.com:6514')
  const url = new URL(text)
  const { hostname, port, pathname, search, hash, username, password } = url
  if (username !== '' || password !== '' || search !== '' || hash !== '' || !['', '/'].includes(pathname))
    throw badRequest('url: a syslog drain is a host and a port, nothing else')
  if (!NAME.test(hostname) && !IPV6.test(hostname)) throw badRequest(`url: "${hostname.slice(0, 100)}" is no host`)
  if (port === '0') throw badRequest('url: the port must be 1 to 65535')
  return {
    kind: 'syslog',
    host: hostOf(url),
    port: Number(port) || PORTS[scheme],
    isEncrypted: scheme === 'syslog+tls:',
  }
}

/** Without the path, which often is the secret. */
export function shownOf(text: string): string {
  const { protocol, host, pathname, search } = new URL(text)
  return `${protocol as DrainScheme}//${host}${pathname.length > 1 || search !== '' ? '/…' : ''}`
}
