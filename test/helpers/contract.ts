/** Holds every answer of the API to what is declared of its operation (core/contract/operations). */
import assert from 'node:assert/strict'
import { operations, type Operation } from '#core/contract/operations/index.ts'
import { problem } from '#core/contract/views/problem.ts'

export type Answered = { status: number; mediaType: string; text: string }

const PREFIX = '/v1'
const routes = Object.keys(operations).map((route) => ({ route, pattern: patternOf(route) }))

/** @returns the operation that a call is one of, like `GET /apps/:app`; null where it is none, or none that is declared */
export function routeOf(method: string, path: string): string | null {
  const [pathname = ''] = path.split('?')
  const matching = routes.filter(({ pattern }) => pattern.test(`${method} ${pathname}`))
  // What is named literally goes before what stands for anything.
  matching.sort((a, b) => variables(a.route) - variables(b.route))
  return matching[0]?.route ?? null
}

/** @throws where the answer is not one that is declared */
export function checkAnswer(route: string, answered: Answered): void {
  const operation: Operation | undefined = operations[route as keyof typeof operations]
  assert.ok(operation, `${route} is not declared`)
  if (answered.status >= 400) checkProblem(route, answered)
  else checkSuccess(route, operation, answered)
}

function checkProblem(route: string, { status, mediaType, text }: Answered): void {
  assert.equal(mediaType, 'application/problem+json', `${route}: ${status} is a problem document`)
  const found = problem.parse(JSON.parse(text))
  assert.equal(found.status, status, `${route}: the document names the status`)
}

function checkSuccess(route: string, operation: Operation, { status, mediaType, text }: Answered): void {
  if (status === 304) return assert.equal(text, '')
  const { answer, media = 'application/json', otherwise } = operation
  const usual = operation.status ?? 200
  const isOther = status === otherwise?.status && status !== usual
  assert.equal(status, isOther ? status : usual, `${route}: the status`)
  if (status === 204) return assert.equal(text, '', `${route}: 204 has no body`)
  const medias: string[] = [media, ...(operation.orEvents ? ['text/event-stream'] : [])]
  assert.ok(medias.includes(mediaType), `${route}: the media type is ${medias.join(' or ')}, not ${mediaType}`)
  const schema = isOther ? otherwise.answer : answer
  for (const document of documentsIn(mediaType, text)) {
    const read = schema?.safeParse(document)
    assert.ok(
      !read || read.success,
      `${route} answers ${JSON.stringify(document).slice(0, 2000)}\n${read?.error?.message ?? ''}`,
    )
  }
}

const BYTES = ['application/x-tar', 'application/octet-stream']
export const isBytes = (mediaType: string): boolean => BYTES.includes(mediaType)

/** The JSON documents of an answer: its lines where it has several, the data of its events; of bytes none. */
export function documentsIn(mediaType: string, text: string): unknown[] {
  if (isBytes(mediaType)) return []
  const texts =
    mediaType === 'text/event-stream'
      ? eventsIn(text)
      : mediaType === 'application/x-ndjson'
        ? text.split('\n').filter((line) => line !== '')
        : [text]
  return texts.map((one) => JSON.parse(one) as unknown)
}

/** The data of all events that came whole (WHATWG HTML §9.2.6), but of the one that only says that there is no more. */
function eventsIn(text: string): string[] {
  const blocks = text.split('\n\n').slice(0, -1)
  const told = blocks.filter((block) => !/^event: end$/m.test(block))
  return told.flatMap((block) => /^data: (.*)$/m.exec(block)?.[1] ?? [])
}
const variables = (route: string): number => route.split(':').length

function patternOf(route: string): RegExp {
  const [method = '', path = ''] = route.split(' ')
  return new RegExp(`^${method} ${PREFIX}${path.replace(/:\w+/g, '[^/]+')}$`)
}
