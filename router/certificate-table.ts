/** Which certificate serves a name: an index over all of them, without what is secret. */
import { bestOf, wildcardOf, type Certificate } from '#core/domain/certificate.ts'

export class CertificateTable {
  readonly #byId = new Map<string, Certificate>()
  readonly #byHost = new Map<string, Certificate[]>()

  get size(): number {
    return this.#byId.size
  }

  /** @param certificate null: it was removed */
  change(id: string, certificate: Certificate | null): void {
    const before = this.#byId.get(id)
    for (const host of before?.hosts ?? []) this.#dropFrom(host, id)
    this.#byId.delete(id)
    if (certificate === null) return
    this.#byId.set(id, certificate)
    for (const host of certificate.hosts) this.#byHost.set(host, [...(this.#byHost.get(host) ?? []), certificate])
  }

  clear(): void {
    this.#byId.clear()
    this.#byHost.clear()
  }

  /** The certificate for a name in lower case: one for exactly it before one for a wildcard, if both are as valid. */
  find(name: string, now: number): Certificate | null {
    const exact = this.#byHost.get(name)
    const wildcard = wildcardOf(name)
    const wider = wildcard === null ? undefined : this.#byHost.get(wildcard)
    const best = exact === undefined ? null : bestOf(exact, now)
    if (wider === undefined || (best !== null && best.notAfter > now)) return best
    const other = bestOf(wider, now)
    return best !== null && (other === null || other.notAfter <= now) ? best : other
  }

  /** What clients get that name nothing. @param domain the platform's */
  findUnnamed(domain: string, now: number): Certificate | null {
    const platforms = [...(this.#byHost.get(`*.${domain}`) ?? []), ...(this.#byHost.get(domain) ?? [])]
    return bestOf(
      platforms.filter(({ appId }) => appId === null),
      now,
    )
  }

  #dropFrom(host: string, id: string): void {
    const left = (this.#byHost.get(host) ?? []).filter((certificate) => certificate.id !== id)
    if (left.length > 0) this.#byHost.set(host, left)
    else this.#byHost.delete(host)
  }
}
