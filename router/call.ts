/**
 * One request from its head to the last byte of its answer, and the two sides that it lies between: the client it came from,
 * whichever door that took, and the app's side, whichever protocol that speaks.
 *
 * Events go up, orders go down: a side tells what came in (`ClientEvents`, `AppEvents`), and does what it is told (`Client`,
 * `AppSide`). Bytes are passed as a buffer with bounds, and are the receiver's only until it returns: most of them lie in the one
 * buffer that every connection reads into.
 */
import type { InstanceId } from '#core/domain/ids.ts'
import type { AppRoute } from '#core/domain/route.ts'
import type { Pool } from './app/pool.ts'
import type { FailureCode } from './responses.ts'
import type { Framing } from './wire/framing.ts'
import type { Guest } from './quota/guests.ts'
import type { Kind, Standing } from './quota/quotas.ts'
import type { RequestHead } from './wire/request-head.ts'
import type { ResponseHead } from './wire/response-head.ts'
import type { Entry } from './usage.ts'

/** Where a client's requests come from: the same for all of a connection's. */
export type Origin = {
  /** The client's address, as apps and quotas know it. */
  address: string
  /** The router's port that it came in at. */
  port: number
  /** Whether the client spoke TLS, with the router or with a load balancer before it. */
  secure: boolean
  /** The connection is TLS to the router. */
  encrypted: boolean
  /** It is a load balancer's, whose word on its clients counts. */
  trusted: boolean
  /** What a TLS client asked for by SNI. */
  serverName: string | null
  /** What an app is told of all this, as lines of a head. */
  lines: string
  /** The connection, as the quotas see it. */
  guest: Guest
}

/** Why a request cannot be served, said by the one who read it. */
export type Refused = { status: number; why: string }

export class Call {
  readonly client: Client
  readonly head: RequestHead
  /** Where it came from: as its connection, unless a load balancer says more. */
  origin: Origin
  id = ''
  /** ms of the router's clock. */
  began = 0
  /** Set when it was not a request that can be served. */
  refused: Refused | null = null
  /** The host as it is looked up. */
  host = ''
  /** Set when an app claims the host. */
  route: AppRoute | null = null
  /** 0 until an answer began. */
  status = 0
  /** Why the router answered, or cut the answer, itself. */
  code: string | null = null
  cause: unknown = null
  /** What it took on the client's connection so far, and how much of that is in the books. */
  bytesIn = 0
  bytesOut = 0
  bookedIn = 0
  bookedOut = 0
  /** Where it is booked. */
  counters: Entry | null = null
  /** Where its app's figures for Prometheus are. */
  row = 0
  /** Set while the quotas count it. */
  standing: Standing | null = null
  kind: Kind = 'request'
  /** Of the request's body, as the app gets it, and of the response's, as the app gave it. */
  bodyBytes = 0
  answerBytes = 0
  /** How much of them was charged to the tenant's bandwidth, and whether that has to recover first. */
  chargedIn = 0
  chargedOut = 0
  pausedIn = false
  pausedOut = false
  /** The answer ends the connection. */
  last = false
  /** The request is here to its last byte. */
  received = false
  over = false

  /** Of the attempt that is being made: set while it counts as in flight there. */
  pool: Pool | null = null
  app: AppSide | null = null
  /** The instance tried last. */
  instanceId: InstanceId | null = null
  tries = 0
  /** Where no connection could be had. */
  tried: Pool[] | null = null
  failure: FailureCode | null = null
  /** A connection kept from earlier broke, so the next one is a new one. */
  fresh = false
  informational = 0
  /** While it waits for an instance: when it has waited long enough. */
  heldUntil = 0

  constructor(client: Client, head: RequestHead, received: boolean) {
    this.client = client
    this.origin = client.origin
    this.head = head
    this.received = received
  }
}

/** A request's client, as its door presents it. */
export interface Client {
  readonly origin: Origin
  /** Hands over the request's body from now on, and has the app sent (`flush`) what there is. Nothing of it is handed over before. */
  readBody(call: Call): void
  /** Stops handing over, until `resumeBody`. A little more may still come. */
  pauseBody(call: Call): void
  resumeBody(call: Call): void
  /** Passes on an informational response (1xx). */
  inform(call: Call, status: number, fields: string): void
  /** Begins the answer. @param fields lines without framing and without what is for one hop only */
  respond(call: Call, status: number, fields: string, body: Framing): void
  data(call: Call, bytes: Buffer, from: number, to: number): void
  /** Lets out what was said so far. @returns false: nothing more, please, until `drained` */
  flush(call: Call): boolean
  /** The answer is whole. */
  end(call: Call, trailers: string): void
  /** The call is in the books: the client is free for its next request. */
  next(call: Call): void
  /** Agrees to a WebSocket: from now on both bodies are what follows the heads, in both directions. */
  upgrade(call: Call, fields: string): void
  /** Breaks off, so that nobody takes half an answer for a whole one. */
  reset(call: Call): void
}

/** What a client tells. */
export interface ClientEvents {
  begin(call: Call): void
  body(call: Call, bytes: Buffer, from: number, to: number): void
  /** Everything that was here of the body was handed over. @returns false: no more, please, until `resumeBody` */
  bodyPause(call: Call): boolean
  bodyEnd(call: Call, trailers: string): void
  /** What followed of the body was none, or did not come. */
  bodyFailed(call: Call, refused: Refused): void
  drained(call: Call): void
  /** Nobody is there for the answer any more. */
  left(call: Call): void
}

/** The app's side of one attempt. */
export interface AppSide {
  write(bytes: Buffer, from: number, to: number): void
  /** Lets out what was written so far. @returns false: nothing more, please, until `appDrained` */
  flush(): boolean
  endBody(trailers: string): void
  pause(): void
  resume(): void
  /** Leaves, and says nothing more. */
  abort(): void
}

export type Failure = {
  code: FailureCode
  /** The app may have seen the request. */
  sent: boolean
  /** It was sent on a connection kept from earlier, which ended without a byte of response. */
  stale: boolean
  /** It was sent, and the app said, or its protocol says for it, that it was not looked at. */
  refused?: boolean
  cause: unknown
}

/** What the app's side tells. */
export interface AppEvents {
  /** The request's head is on its way, and its body may follow. */
  sent(call: Call): void
  /** @returns false when this is no response to pass on */
  informed(call: Call, head: ResponseHead): boolean
  responded(call: Call, head: ResponseHead): boolean
  /** The app's 101. @returns false when nobody asked for what it agrees to */
  switched(call: Call, head: ResponseHead): boolean
  data(call: Call, bytes: Buffer, from: number, to: number): void
  /** Everything that was here of the response was passed on. */
  dataPause(call: Call): void
  ended(call: Call, trailers: string): void
  failed(call: Call, failure: Failure): void
  appDrained(call: Call): void
}
