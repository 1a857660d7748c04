/** What the work on certificates is done with. Made in controller/index.ts. */
import type { Wanted } from '#core/domain/certificate.ts'
import type { App } from '#core/domain/app.ts'
import type { CertificateVault } from '#core/runtime/certificate-vault.ts'
import type { Config } from '#core/runtime/config.ts'
import type { Log } from '#core/runtime/log.ts'
import type { Store } from '#core/store/connection.ts'
import type { Random } from '../credentials.ts'

export type CertificateContext = {
  store: Store
  config: Pick<Config, 'domain' | 'acme'>
  log: Log
  vault: CertificateVault
  /** Random bytes. */
  random: Random
  /** ms since 1970. */
  now: () => number
  /** The hosts of an app, wildcards among them, whose ownership is proven. */
  hostsOf: (app: App) => Promise<string[]>
  /** The hosts that should have a certificate of their own, besides the platform's. */
  wanted: () => Promise<Wanted[]>
}

/** What the platform's certificate may be served for. */
export const platformHosts = (domain: string): string[] => [domain, `*.${domain}`]

/** From 0 to 1. */
export const chanceOf = (random: Random): number => Buffer.from(random(4)).readUInt32BE() / 2 ** 32
