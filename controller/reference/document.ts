/**
 * The API's document (OpenAPI 3.1.1), made of the table that admits every call and of the schemas that check it. Nothing in
 * here says what an operation is: what is missing in the document is missing in core/contract/operations.
 */
import type { z } from 'zod'
import { isOnce, operations, type Operation, type Operations } from '#core/contract/operations/index.ts'
import { problem } from '#core/contract/views/problem.ts'
import { apiErrorCodes } from '#core/domain/error-codes.ts'
import { PLAIN_NAME, SECURE_NAME } from '../identity/cookies.ts'
import { introduction, needTexts, pathNames, problemTexts, sessionOnLoopbackText, sessionText } from './texts.ts'
import { isObject, jsonSchema, type Components, type JsonSchema } from './schemas.ts'

export type Documented = JsonSchema & {
  tags: [string]
  summary: string
  description: string
  operationId: string
  parameters: JsonSchema[]
  requestBody?: JsonSchema
  /** None, where it is for everyone. */
  security?: []
  responses: Record<string, JsonSchema>
}
export type ApiDocument = JsonSchema & {
  paths: Record<string, Record<string, Documented>>
  components: { schemas: Components } & JsonSchema
}

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  description: 'Of 1 to 200 printable ASCII characters: the same call with the same key is done once in 24 hours.',
  schema: { type: 'string', minLength: 1, maxLength: 200 },
}
const etagParameter = (name: 'If-Match' | 'If-None-Match', description: string) => ({
  name,
  in: 'header',
  description,
  schema: { type: 'string' },
})

/**
 * @param options.closed says of what is answered that it has no fields but these: for tests
 * @param options.table for tests
 */
export function apiDocument({ closed = false, table = operations } = {}): ApiDocument {
  const components: Components = {}
  const paths: ApiDocument['paths'] = {}
  const toSchema = (schema: z.ZodType, direction: 'input' | 'output') =>
    jsonSchema(schema, direction, components, closed)
  for (const [route, operation] of Object.entries(table)) {
    const [method = '', path = ''] = route.split(' ')
    const templated = path.replace(/:(\w+)/g, '{$1}')
    paths[templated] = {
      ...paths[templated],
      [method.toLowerCase()]: describe({ route, method, path, operation, table }, toSchema),
    }
  }
  const responses = refusals(toSchema(problem, 'output'))
  describeCodes(components)
  return {
    openapi: '3.1.1',
    info: {
      title: 'Berth',
      version: '1',
      description: introduction,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/v1' }],
    security: [{ token: [] }, { session: [] }, { sessionOnLoopback: [] }],
    tags: tagsOf(paths),
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'An API token: `berth tokens:create`' },
        session: { type: 'apiKey', in: 'cookie', name: SECURE_NAME, description: sessionText },
        sessionOnLoopback: { type: 'apiKey', in: 'cookie', name: PLAIN_NAME, description: sessionOnLoopbackText },
      },
      responses,
      schemas: components,
    },
  }
}

/** @returns how the table's route of a documented path reads: `/apps/{app}` → `/apps/:app` */
export const routeOfPath = (path: string): string => path.replace(/\{(\w+)\}/g, ':$1')

type Place = { route: string; method: string; path: string; operation: Operation; table: Operations }
type ToSchema = (schema: z.ZodType, direction: 'input' | 'output') => JsonSchema

function describe(place: Place, toSchema: ToSchema): Documented {
  const { method, path, operation, table } = place
  const { summary, need, body, takes } = operation
  const requestBody = body
    ? { required: !acceptsNothing(body), content: { 'application/json': { schema: toSchema(body, 'input') } } }
    : takes && { required: true, content: { [takes]: { schema: { type: 'string', format: 'binary' } } } }
  return {
    tags: [tagOf(path, table)],
    summary,
    description: needTexts[need],
    operationId: idOf(method, path),
    'x-berth-need': need,
    ...(need === 'public' ? { security: [] } : {}),
    parameters: parametersOf(place, toSchema),
    ...(requestBody ? { requestBody } : {}),
    responses: { ...successes(operation, toSchema), ...problems(place) },
  }
}

const acceptsNothing = (body: z.ZodType): boolean => body.safeParse({}).success

function parametersOf({ method, path, operation }: Place, toSchema: ToSchema): JsonSchema[] {
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    description: pathNames[name] ?? `The ${name}.`,
    schema: { type: 'string' },
  }))
  const query = operation.query ? toSchema(operation.query, 'input') : {}
  const required = Array.isArray(query['required']) ? (query['required'] as string[]) : []
  const properties = isObject(query['properties']) ? (query['properties'] as Record<string, JsonSchema>) : {}
  const inQuery = Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    ...(required.includes(name) ? { required: true } : {}),
    ...(description === undefined ? {} : { description }),
    schema,
  }))
  return [...inPath, ...inQuery, ...headersOf(method, path, operation)]
}

function headersOf(method: string, path: string, { tagged }: Operation): JsonSchema[] {
  if (isOnce(`${method} ${path}`)) return [IDEMPOTENCY_KEY]
  if (!tagged) return []
  return method === 'GET'
    ? [etagParameter('If-None-Match', 'The ETag that you have: the answer is 304 where nothing has changed.')]
    : [etagParameter('If-Match', 'The ETag that you decided by: the answer is 412 where something has changed.')]
}

const isBytes = (media: string): boolean => media === 'application/x-tar' || media === 'application/octet-stream'

function successes(operation: Operation, toSchema: ToSchema): Record<string, JsonSchema> {
  const { answer, media = 'application/json', status = 200, otherwise, tagged, orEvents } = operation
  const headers = tagged ? { headers: { ETag: { schema: { type: 'string' } } } } : {}
  if (status === 204) return { 204: { description: 'Done.' } }
  const content = (schema: z.ZodType | undefined) =>
    isBytes(media) ? { type: 'string', format: 'binary' } : schema ? toSchema(schema, 'output') : {}
  const medias = [media, ...(orEvents ? ['text/event-stream'] : [])]
  const responses: Record<string, JsonSchema> = {
    [status]: {
      description: descriptionOf(operation),
      ...headers,
      content: Object.fromEntries(medias.map((one) => [one, { schema: content(answer) }])),
    },
  }
  if (otherwise)
    responses[otherwise.status] = {
      description: `Where ${otherwise.when}.`,
      ...headers,
      content: { 'application/json': { schema: toSchema(otherwise.answer, 'output') } },
    }
  return responses
}

function descriptionOf({ media, status, orEvents }: Operation): string {
  if (media === 'application/x-ndjson')
    return orEvents
      ? 'One JSON document a line, of this shape, until there is no more; the same as server-sent events for whoever accepts text/event-stream, the last of which is named end.'
      : 'One JSON document a line, of this shape, until there is no more.'
  if (media === 'text/event-stream') return 'Server-sent events; the data of each is a JSON document of this shape.'
  return status === 201 ? 'Made.' : status === 202 ? 'Taken; it goes on after the answer.' : 'As asked.'
}

function problems({ path, method, operation }: Place): Record<string, JsonSchema> {
  const { body, query, takes, tagged } = operation
  const isPublic = operation.need === 'public'
  const possible: Record<string, boolean> = {
    304: tagged === true && method === 'GET',
    400: Boolean(body ?? query),
    401: !isPublic || body !== undefined,
    403: isPublic ? body !== undefined : !operation.need.startsWith('anyone') || operation.need.endsWith('write'),
    404: path.includes(':'),
    412: tagged === true && method !== 'GET',
    413: Boolean(body ?? takes),
    415: Boolean(body ?? takes),
  }
  const listed = Object.keys(possible).filter((status) => possible[status])
  return Object.fromEntries(
    [...listed, 'default'].map((status) => [status, { $ref: `#/components/responses/${status}` }]),
  )
}

const refusals = (schema: JsonSchema): Record<string, JsonSchema> =>
  Object.fromEntries(
    Object.entries(problemTexts).map(([status, description]) => [
      status,
      { description, ...(status === '304' ? {} : { content: { 'application/problem+json': { schema } } }) },
    ]),
  )

/** Every code that a problem may have; what each means stands in docs/errors.md. */
function describeCodes(components: Components): void {
  const properties = components['Problem']?.['properties']
  if (isObject(properties) && isObject(properties['code'])) properties['code']['enum'] = apiErrorCodes
}

/** `/apps/:app/builds/:build` → `builds`; what an app does without being a list of something → `apps`. */
function tagOf(path: string, table: Operations): string {
  const [, first = '', , third] = path.split('/')
  if (third === undefined || (first !== 'apps' && first !== 'tenants')) return first
  return `GET /${first}/:${first.slice(0, -1)}/${third}` in table && third !== first ? third : first
}

function tagsOf(paths: ApiDocument['paths']): { name: string }[] {
  const all = Object.values(paths).flatMap((methods) => Object.values(methods).map(({ tags }) => tags[0]))
  return [...new Set(all)].map((name) => ({ name }))
}

/** `GET /apps/:app/builds` → `getAppsAppBuilds`. */
const idOf = (method: string, path: string): string =>
  method.toLowerCase() + path.replace(/[/:.-]+(\w)/g, (_, letter: string) => letter.toUpperCase())
