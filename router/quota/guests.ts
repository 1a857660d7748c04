/** Client connections as the quotas see them: whose they are, and whose requests came on them last. */
import type { Clock } from '../clock.ts'
import { NO_CLIENT, TOO_MANY_CONNECTIONS, type Clients } from './clients.ts'
import type { Kind, QuotaCode, Quotas, Standing } from './quotas.ts'

export type Guest = {
  /** Stands for the client, as `Clients` gives it. */
  readonly client: number
  /** Whose connection it counts as: those of the app that its last request was for. */
  standing: Standing | null
  /** The host that its last request named, as it named it and as it is looked up. */
  saidHost: string
  host: string
}

export class Guests {
  readonly #clients: Clients
  readonly #quotas: Quotas
  readonly #clock: Clock

  constructor(clients: Clients, quotas: Quotas, clock: Clock) {
    this.#clients = clients
    this.#quotas = quotas
    this.#clock = clock
  }

  /**
   * @param trusted it is a load balancer, which has connections for as many clients as it likes
   * @returns null: this client has as many connections as one may have
   */
  open(address: string, trusted: boolean): Guest | null {
    if (trusted) return { client: NO_CLIENT, standing: null, saidHost: '', host: '' }
    const client = this.#clients.open(address, this.#clock.now)
    return client === TOO_MANY_CONNECTIONS ? null : { client, standing: null, saidHost: '', host: '' }
  }

  close(guest: Guest): void {
    this.#clients.close(guest.client)
    if (guest.standing) this.#quotas.detach(guest.standing)
    guest.standing = null
  }

  /** Counts the connection where its next request belongs; one that becomes a WebSocket is no longer one. */
  attach(guest: Guest, standing: Standing, kind: Kind): QuotaCode | null {
    if (kind === 'webSocket') {
      if (guest.standing) this.#quotas.detach(guest.standing)
      guest.standing = null
      return null
    }
    const refused = this.#quotas.attach(guest.standing, standing)
    if (refused === null) guest.standing = standing
    return refused
  }

  /** The client that a load balancer names, as `Guest.client`. */
  named(address: string): number {
    return this.#clients.find(address, this.#clock.now)
  }

  /** Whether a request to a host that nobody has is answered at all (Q04). @param client as `Guest.client` */
  admitUnknown(client: number): boolean {
    return this.#clients.admitUnknown(client, this.#clock.now)
  }
}
