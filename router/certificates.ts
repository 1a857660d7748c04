/**
 * The certificates that this router serves, kept current: an announcement brings changes at once, a periodic look heals
 * what was missed. Records of all are in memory; of the secrets as many, still sealed, as fit a bound; and of contexts,
 * which OpenSSL makes large, those that were used last. While Redis is away, what is in memory serves on.
 */
import { constants } from 'node:crypto'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import { agrees, type Certificate } from '#core/domain/certificate.ts'
import { messageOf } from '#core/domain/errors.ts'
import { readVault, type CertificateVault } from '#core/runtime/certificate-vault.ts'
import { repeat } from '#core/runtime/clock.ts'
import type { Log } from '#core/runtime/log.ts'
import type { Stoppable } from '#core/runtime/shutdown.ts'
import {
  forgetSeen,
  loadCertificateChanges,
  loadCertificateSecrets,
  loadCertificatesVersion,
  loadChallenges,
  loadTicketKey,
  sawCertificates,
  type Challenge,
} from '#core/store/certificates.ts'
import { subscribe, type Store } from '#core/store/connection.ts'
import { CertificateTable } from './certificate-table.ts'
import { LeastRecent } from './least-recent.ts'

export type CertificateSettings = {
  store: Store
  redisUrl: string
  log: Log
  /** Of this router or worker; each acknowledges by itself. */
  routerId: string
  /** The platform's: what clients get that name no host. */
  domain: string
  /** Where the key is that opens private keys; it may come later than the router. */
  keyFile: string
  /** ms since 1970, by which certificates expire. */
  now: () => number
  limits?: Partial<CertificateLimits>
}

export type CertificateLimits = { contexts: number; secretBytes: number; lookMs: number }

/** A context takes some 50 KB, a secret some 5 KB: together at most about 150 MB, with however many certificates. */
const defaultLimits: CertificateLimits = { contexts: 2_000, secretBytes: 48 * 1024 * 1024, lookMs: 2_000 }

const PAGE = 1_000
const CHALLENGE_PATH = '/.well-known/acme-challenge/'

/** What every context has, whatever its certificate. */
const contextOptions: SecureContextOptions = {
  minVersion: 'TLSv1.2',
  honorCipherOrder: true,
  // A client that renegotiates for ever costs a server most of the work.
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  // For TLS 1.2 only what is forward secret and authenticated; 1.3 has nothing else.
  ciphers: [
    'TLS_AES_128_GCM_SHA256',
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-CHACHA20-POLY1305',
  ].join(':'),
  // Node's own comes from the command line, which need not be the same on all routers; tickets are bound to it.
  sessionIdContext: 'berth',
}

export class Certificates implements Stoppable {
  readonly #settings: CertificateSettings
  readonly #limits: CertificateLimits
  readonly #table = new CertificateTable()
  readonly #contexts: LeastRecent<SecureContext>
  readonly #secrets: LeastRecent<string>
  /** Contexts that were let go of since the last look; a handshake that chose one may be about to take it. */
  #leaving: SecureContext[] = []
  /** Contexts that are being made, so that a crowd of handshakes makes one. */
  readonly #making = new Map<string, Promise<SecureContext | null>>()
  readonly #ending = new AbortController()
  #challenges = new Map<string, Challenge>()
  #vault: CertificateVault | null = null
  #version = 0
  #ticketKey: { sealed: string; bytes: Buffer } | null = null
  #unnamed: { certificate: Certificate | null; context: SecureContext; ticketKey: string | null }
  /** Never rejects. */
  #looking: Promise<void> = Promise.resolve()
  #following: Promise<void> | null = null
  #running: (() => Promise<void>) | null = null

  constructor(settings: CertificateSettings) {
    this.#settings = settings
    this.#limits = { ...defaultLimits, ...settings.limits }
    this.#contexts = new LeastRecent(this.#limits.contexts, (context) => this.#leaving.push(context))
    this.#secrets = new LeastRecent(this.#limits.secretBytes)
    this.#unnamed = { certificate: null, context: createSecureContext(contextOptions), ticketKey: null }
  }

  /** Loads what is there, and follows from then on. Without Redis it begins with nothing and catches up. */
  async start(): Promise<void> {
    const { redisUrl } = this.#settings
    await this.#look().catch((error: unknown) => this.#warn(error))
    const subscription = subscribe(redisUrl, ['certificates'], () => {
      this.#look().catch((error: unknown) => this.#warn(error))
    })
    const looking = repeat(
      this.#limits.lookMs,
      () => this.#look(),
      this.#ending.signal,
      (error) => this.#warn(error),
    )
    this.#running = async () => {
      await subscription.stop()
      await looking
    }
  }

  async stop(): Promise<void> {
    const { store, routerId } = this.#settings
    this.#ending.abort()
    await this.#running?.()
    if (store.status === 'ready') await forgetSeen(store, [routerId]).catch(() => {})
  }

  get count(): number {
    return this.#table.size
  }

  /**
   * What serves a client that names `serverName`, at once or when it has been loaded.
   * @param serverName in lower case
   * @returns null: nothing does, and the handshake must end with unrecognized_name (RFC 6066 §3)
   */
  contextFor(serverName: string): SecureContext | null | Promise<SecureContext | null> {
    const certificate = this.#table.find(serverName, this.#settings.now())
    if (certificate === null) return null
    return this.#contexts.get(certificate.id) ?? this.#makeOnce(certificate)
  }

  /** For clients that name nothing, and the owner of the ticket key for all. */
  get unnamedContext(): SecureContext {
    return this.#unnamed.context
  }

  /** Must a request on this connection be answered 421 (H75)? See `agrees`. */
  isMisdirected(serverName: string | null, host: string): boolean {
    return !agrees(serverName, host, this.#unnamed.certificate?.hosts ?? [])
  }

  /**
   * The answer to an authority that checks on us (RFC 8555 §8.3), before maintenance, redirects and all else of an app.
   * @param host in lower case, without port
   * @param path without query
   * @returns the body, as application/octet-stream; null: the request is not such a check
   */
  challengeFor(host: string, path: string): string | null {
    if (this.#challenges.size === 0 || !path.startsWith(CHALLENGE_PATH)) return null
    const challenge = this.#challenges.get(path.slice(CHALLENGE_PATH.length))
    return challenge?.host === host && challenge.expiresAt > this.#settings.now() ? challenge.answer : null
  }

  /** One look at a time; whoever asks meanwhile shares the one that follows, which sees all that was there when asked. */
  #look(): Promise<void> {
    if (this.#following !== null) return this.#following
    const following = this.#looking.then(() => {
      this.#following = null
      const looking = this.#ending.signal.aborted ? Promise.resolve() : this.#catchUp()
      this.#looking = looking.catch(() => {})
      return looking
    })
    this.#following = following
    return following
  }

  async #catchUp(): Promise<void> {
    const leaving = this.#leaving.splice(0)
    try {
      await this.#findKey()
      await this.#loadChanges()
      await this.#renewUnnamed()
    } finally {
      leaving.forEach(release)
    }
  }

  async #loadChanges(): Promise<void> {
    const { store, routerId, log } = this.#settings
    const version = await loadCertificatesVersion(store)
    if (version === this.#version) return
    // A Redis that lost something: what it has now is what is.
    if (version < this.#version) this.#forgetAll()
    const count = await this.#takeChanges()
    this.#challenges = new Map((await loadChallenges(store)).map((challenge) => [challenge.token, challenge]))
    await this.#takeTicketKey()
    this.#version = version
    await sawCertificates(store, routerId, version)
    if (count > 0) log.info('certificates loaded', { changes: count, certificates: this.#table.size })
  }

  async #findKey(): Promise<void> {
    if (this.#vault !== null) return
    const { keyFile, log } = this.#settings
    this.#vault = await readVault(keyFile)
    if (this.#vault !== null) log.info('key of certificates found', { keyFile })
    // What was sealed could not be used until now.
    if (this.#vault !== null && this.#version !== 0) this.#forgetAll()
  }

  #forgetAll(): void {
    this.#version = 0
    this.#table.clear()
    this.#contexts.clear()
    this.#secrets.clear()
  }

  async #takeChanges(): Promise<number> {
    const { store } = this.#settings
    let after = this.#version
    let count = 0
    for (;;) {
      const changes = await loadCertificateChanges(store, after, PAGE)
      for (const { id, certificate } of changes) this.#table.change(id, certificate)
      for (const { id, certificate } of changes) if (certificate === null) this.#drop(id)
      await this.#takeSecrets(changes.filter(({ certificate }) => certificate !== null).map(({ id }) => id))
      count += changes.length
      after = changes.at(-1)?.version ?? after
      if (changes.length < PAGE) return count
    }
  }

  #drop(id: string): void {
    this.#contexts.delete(id)
    this.#secrets.delete(id)
  }

  /** As long as there is room, so that an outage of Redis is not felt. */
  async #takeSecrets(ids: string[]): Promise<void> {
    if (!this.#secrets.hasRoomFor(1)) return
    const missing = ids.filter((id) => this.#secrets.get(id) === undefined)
    const sealed = await loadCertificateSecrets(this.#settings.store, missing)
    sealed.forEach((text, index) => {
      const id = missing[index]
      if (text !== null && id !== undefined && this.#secrets.hasRoomFor(text.length))
        this.#secrets.set(id, text, text.length)
    })
  }

  async #takeTicketKey(): Promise<void> {
    const stored = await loadTicketKey(this.#settings.store)
    if (stored === null || this.#vault === null || stored.sealed === this.#ticketKey?.sealed) return
    const bytes = Buffer.from(this.#vault.open('ticket key', stored.sealed), 'base64')
    this.#ticketKey = { sealed: stored.sealed, bytes }
  }

  /** New connections get the new context; those that are open keep theirs. */
  async #renewUnnamed(): Promise<void> {
    const { domain, now } = this.#settings
    const certificate = this.#table.findUnnamed(domain, now())
    const ticketKey = this.#ticketKey?.sealed ?? null
    if (certificate?.id === this.#unnamed.certificate?.id && ticketKey === this.#unnamed.ticketKey) {
      this.#unnamed.certificate = certificate
      return
    }
    const context = await this.#makeUnnamed(certificate)
    if (context !== null) this.#unnamed = { certificate, context, ticketKey }
  }

  /** OpenSSL takes the ticket key from the context that a connection began with, whatever its certificate will be. */
  async #makeUnnamed(certificate: Certificate | null): Promise<SecureContext | null> {
    const tickets = this.#ticketKey === null ? {} : { ticketKeys: this.#ticketKey.bytes }
    if (certificate === null) return createSecureContext({ ...contextOptions, ...tickets })
    return this.#make(certificate, tickets)
  }

  #makeOnce(certificate: Certificate): Promise<SecureContext | null> {
    const { id } = certificate
    const begun = this.#making.get(id)
    if (begun) return begun
    const making = this.#make(certificate, {})
      .then((context) => {
        if (context !== null) this.#contexts.set(id, context)
        return context
      })
      .finally(() => this.#making.delete(id))
    this.#making.set(id, making)
    return making
  }

  /** @returns null when its secret cannot be had or opened, which the log says */
  async #make({ id, hosts }: Certificate, options: SecureContextOptions): Promise<SecureContext | null> {
    try {
      const sealed = await this.#secretOf(id)
      if (sealed === null || this.#vault === null) throw new Error(sealed ? 'its key is missing' : 'it was removed')
      const { chain, key } = this.#vault.openPair(id, sealed)
      return createSecureContext({ ...contextOptions, ...options, cert: chain, key })
    } catch (error) {
      this.#settings.log.error('a certificate cannot be served', {
        certificate: id,
        hosts: hosts.slice(0, 3),
        cause: messageOf(error),
      })
      return null
    }
  }

  async #secretOf(id: string): Promise<string | null> {
    const kept = this.#secrets.get(id)
    if (kept !== undefined) return kept
    const [sealed = null] = await loadCertificateSecrets(this.#settings.store, [id])
    if (sealed !== null) this.#secrets.set(id, sealed, sealed.length)
    return sealed
  }

  #warn(error: unknown): void {
    if (this.#ending.signal.aborted) return
    this.#settings.log.warn('certificates cannot be loaded, serving with those at hand', { cause: messageOf(error) })
  }
}

/**
 * Gives a context's memory back now: V8 sees only its small handle, and would let gigabytes gather before it collects what
 * clients with many names make. Connections hold their own reference to what is inside.
 */
function release({ context }: SecureContext): void {
  const native = context as { close?: () => void }
  native.close?.()
}
