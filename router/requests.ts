/** Requests from their head to the books: what their doors and their apps tell is brought together here. */
import type { Log } from '#core/runtime/log.ts'
import { logAccess } from './access-log.ts'
import type { AppLog } from './app-log.ts'
import type { Call, ClientEvents, Refused } from './call.ts'
import { Forwarder, type ForwardContext } from './forward.ts'
import { identify, tell, type StoryContext } from './request.ts'
import { badRequest, bodyTooLarge, renderAnswer, routerError, type Answer, type Page } from './responses.ts'
import type { RefusalSampler } from './sampler.ts'
import { fieldOf } from './wire/fields.ts'

export type RequestContext = ForwardContext &
  StoryContext & {
    log: Log
    /** Whether each request is logged. */
    logsRequests: boolean
    refusals: RefusalSampler
    /** The log of each app's own. */
    appLog: Pick<AppLog, 'add'>
  }

export class Requests implements ClientEvents {
  readonly #context: RequestContext
  readonly forwarder: Forwarder

  constructor(context: RequestContext) {
    this.#context = context
    this.forwarder = new Forwarder(context, this)
  }

  begin(call: Call): void {
    identify(call, this.#context)
    try {
      const answer = call.refused ? badRequest(call.refused) : tell(call, this.#context)
      if (answer === null) this.forwarder.start(call)
      else this.answer(call, answer)
    } catch (error) {
      this.#onMistake(call, error)
    }
  }

  body(call: Call, bytes: Buffer, from: number, to: number): void {
    call.bodyBytes += to - from
    if (call.bodyBytes > bodyLimitOf(call)) return this.#refuseBody(call, bodyTooLarge(call.route?.name ?? ''))
    call.app?.write(bytes, from, to)
  }

  bodyPause(call: Call): boolean {
    const taken = call.app?.flush() ?? true
    return this.#context.pacer.mayRead(call, goOn) && taken
  }

  bodyEnd(call: Call, trailers: string): void {
    call.app?.endBody(trailers)
    call.app?.flush()
  }

  bodyFailed(call: Call, refused: Refused): void {
    this.#refuseBody(call, badRequest(refused))
  }

  drained(call: Call): void {
    if (!call.pausedOut) call.app?.resume()
  }

  left(call: Call): void {
    call.code ??= 'client-left'
    this.finish(call)
  }

  /** Answers a call that no app answers. */
  answer(call: Call, answer: Answer | Page): void {
    if ('code' in answer) call.code = answer.code
    const page = 'code' in answer ? renderAnswer(answer, fieldOf(call.head.fields, 'accept') ?? '', call.id) : answer
    this.#write(call, page)
  }

  /** The call is over: into the books with it. */
  finish(call: Call): void {
    if (call.over) return
    call.over = true
    this.forwarder.leave(call)
    const { usage, clock } = this.#context
    const ms = clock.tick() - call.began
    usage.settle(call)
    const admitted = call.standing !== null
    this.#release(call, ms)
    if (this.#context.logsRequests) this.#log(call, ms, admitted)
    this.#context.appLog.add(call, ms)
    call.client.next(call)
  }

  #release(call: Call, ms: number): void {
    const { standing } = call
    if (standing === null) return
    const { quotas, counters, pacer, usage } = this.#context
    pacer.settle(call)
    call.standing = null
    quotas.release(standing, call.kind)
    counters.end(call.row, call.status, ms)
    if (call.counters) usage.book.countAnswer(call.counters, call.status, ms)
  }

  /** Refusals are sampled: whoever floods the router must not flood its log (Q08). */
  #log(call: Call, ms: number, admitted: boolean): void {
    const { log, refusals, clock } = this.#context
    if (call.code === null || admitted) return logAccess(log, call, ms)
    const { log: wanted, leftOut } = refusals.take(call.route?.name ?? '-', call.code, clock.now)
    if (wanted) logAccess(log, call, ms, leftOut)
  }

  /** What is wrong with a body is only known when a part of it is with the app. */
  #refuseBody(call: Call, answer: Answer): void {
    call.app?.abort()
    if (call.status === 0) return this.answer(call, answer)
    call.code = answer.code
    call.client.reset(call)
    this.finish(call)
  }

  #write(call: Call, { status, headers, body }: Page): void {
    const bytes = Buffer.from(body)
    let fields = ''
    for (let i = 0; i + 1 < headers.length; i += 2) fields += `${headers[i]}: ${headers[i + 1]}\r\n`
    call.status = status
    call.client.respond(call, status, fields, bytes.length)
    call.client.data(call, bytes, 0, bytes.length)
    call.client.end(call, '')
    this.finish(call)
  }

  /** Ours, not the app's and not the client's: said in the log, and the connection is not trusted any further. */
  #onMistake(call: Call, error: unknown): void {
    this.#context.log.error('request failed in the router', { error, requestId: call.id })
    call.cause = error
    if (call.over) return
    if (call.status === 0) return this.answer(call, routerError())
    call.client.reset(call)
    this.finish(call)
  }
}

/** The tenant has bandwidth again; whether the app keeps up is its own matter. */
function goOn(call: Call): void {
  if (call.app?.flush() ?? true) call.client.resumeBody(call)
}

/** What follows an upgrade is no body of a request. */
const bodyLimitOf = ({ route, status }: Call): number =>
  status === 101 ? Infinity : (route?.settings.bodyLimitBytes ?? Infinity)
