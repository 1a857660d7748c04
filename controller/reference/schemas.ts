/** The schemas that check what is sent and type what is answered, as JSON Schema (draft 2020-12), which OpenAPI 3.1 uses. */
import { z } from 'zod'

export type JsonSchema = { [name: string]: unknown }

/** Schemas that have a name stand once, among the document's components, and are referred to. */
export type Components = Record<string, JsonSchema>

const PREFIX = '#/components/schemas/'

/**
 * @param direction `input`: what may be sent; `output`: what is answered
 * @param closed whether what is answered has no fields but these. Clients are told that there may be more some day.
 */
export function jsonSchema(
  schema: z.ZodType,
  direction: 'input' | 'output',
  components: Components,
  closed: boolean,
): JsonSchema {
  const {
    $schema: _,
    $defs,
    ...made
  } = z.toJSONSchema(schema, {
    io: direction,
    unrepresentable: 'any',
    override: ({ jsonSchema }) => simplify(jsonSchema as JsonSchema, direction === 'output' && !closed),
  }) as JsonSchema & { $defs?: Components }
  for (const [name, definition] of Object.entries($defs ?? {})) components[name] = unnamed(definition)
  const whole = unnamed(made)
  if (typeof made['id'] !== 'string') return whole
  components[made['id']] = whole
  return { $ref: PREFIX + made['id'] }
}

/** Says what people read; the checks are as strict as ever. */
function simplify(schema: JsonSchema, open: boolean): void {
  if (open && schema['additionalProperties'] === false) delete schema['additionalProperties']
  // The bounds of what a double holds exactly say nothing about the thing.
  if (schema['minimum'] === Number.MIN_SAFE_INTEGER) delete schema['minimum']
  if (schema['maximum'] === Number.MAX_SAFE_INTEGER) delete schema['maximum']
  if (schema['format'] === 'date' || schema['format'] === 'date-time') delete schema['pattern']
  const names = schema['propertyNames']
  if (isObject(names) && (Object.keys(names).length === 0 || JSON.stringify(names) === '{"type":"string"}'))
    delete schema['propertyNames']
}

/** Refers to the document's components, and carries no name of its own. */
function unnamed(schema: JsonSchema): JsonSchema {
  const { id, ...rest } = schema
  const text = JSON.stringify(typeof id === 'string' ? rest : schema)
  return JSON.parse(text.replaceAll('"#/$defs/', `"${PREFIX}`)) as JsonSchema
}

export const isObject = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
