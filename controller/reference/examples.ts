/** How a call looks, made of what is documented of it. */
import type { Documented } from './document.ts'
import { isObject, type JsonSchema } from './schemas.ts'

const samples: Record<string, string> = {
  app: 'shop',
  tenant: 'acme',
  version: 'v12',
  release: 'current',
  address: 'shop.example',
  user: 'ann',
  run: 'run.12',
  job: 'nightly',
  plan: 'small',
}

/** @returns a command for a shell in which BERTH_API_URL and BERTH_TOKEN are set */
export function curlOf(
  method: string,
  path: string,
  { parameters, requestBody, operationId, responses, security }: Documented,
): string {
  const url = `$BERTH_API_URL/v1${path.replace(/\{(\w+)\}/g, (_, name: string) => samples[name] ?? name.toUpperCase())}`
  const parts = ['curl', ...(security ? [] : ['-H "Authorization: Bearer $BERTH_TOKEN"'])]
  if (method !== 'GET') parts.push(`-X ${method}`)
  if (parameters.some(({ name }) => name === 'Idempotency-Key')) parts.push('-H "Idempotency-Key: $(uuidgen)"')
  if (parameters.some(({ name }) => name === 'If-Match')) parts.push(`-H 'If-Match: "ETAG"'`)
  parts.push(...bodyParts(requestBody))
  if (isStream(responses)) parts.push('--no-buffer')
  const query = parameters
    .filter((one) => one['in'] === 'query' && one['required'] === true)
    .map(({ name }) => `${String(name)}=${operationId.startsWith('delete') ? 'shop' : 'VALUE'}`)
  parts.push(`"${url}${query.length === 0 ? '' : `?${query.join('&')}`}"`)
  return parts.join(' \\\n  ')
}

function bodyParts(body: JsonSchema | undefined): string[] {
  const content = body?.['content']
  if (!isObject(content)) return []
  const [[media, value] = ['', {}]] = Object.entries(content)
  if (media !== 'application/json') return [`-H 'Content-Type: ${media}'`, '--data-binary @FILE.tar']
  const sample = JSON.stringify(sampleOf(isObject(value) ? value['schema'] : {}))
  return [`-H 'Content-Type: ${media}'`, `-d '${sample}'`]
}

const isStream = (responses: Documented['responses']): boolean =>
  JSON.stringify(responses).includes('application/x-ndjson')

const namedSample = (name: string, schema: unknown): unknown =>
  isObject(schema) && schema['type'] === 'string' ? (samples[name] ?? sampleOf(schema)) : sampleOf(schema)

/** What must be there; where nothing must, the first thing that may. */
export function sampleOf(schema: unknown): unknown {
  if (!isObject(schema)) return 'VALUE'
  const { type, properties, required, items, anyOf, additionalProperties, minimum } = schema
  if (Array.isArray(anyOf)) return sampleOf(anyOf[0])
  if (Array.isArray(schema['enum'])) return schema['enum'][0]
  if (schema['const'] !== undefined) return schema['const']
  if (isObject(properties)) {
    const names = Array.isArray(required) ? (required as string[]) : Object.keys(properties).slice(0, 1)
    return Object.fromEntries(names.map((name) => [name, namedSample(name, properties[name])]))
  }
  if (type === 'object') return isObject(additionalProperties) ? { NAME: sampleOf(additionalProperties) } : {}
  if (type === 'array') return [sampleOf(items)]
  if (type === 'integer' || type === 'number') return typeof minimum === 'number' ? Math.max(1, minimum) : 1
  if (type === 'boolean') return true
  return Array.isArray(type) ? sampleOf({ ...schema, type: type[0] as unknown }) : 'VALUE'
}
