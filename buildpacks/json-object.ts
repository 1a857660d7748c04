/** JSON that people wrote (RFC 8259): read as an object, or refused with line, column and reason. Pure. */
import { invalidFile } from './contract.ts'
import { JsonFault, placeOf, plainOf, readJson, type Json } from './json.ts'

export type JsonObject = Record<string, unknown>

/**
 * The object that a file holds. Of a name that is there twice the last counts, as it does for the tools that read the file.
 * @param name the file's, for the sentence
 * @param dialect `jsonc`: with comments and a comma after the last element
 * @throws BuildFailure naming file, line, column and reason
 */
export function parseJsonObject(name: string, text: string, dialect: 'json' | 'jsonc' = 'json'): JsonObject {
  const value = plainOf(readFile(name, dialect === 'jsonc' ? withoutComments(text) : text, 'last'))
  if (!isObject(value)) throw invalidFile(`${name} must hold a JSON object. Correct it and push again.`)
  return value
}

/** @throws BuildFailure naming file, line, column and reason */
export function readFile(name: string, text: string, twice: 'refused' | 'last'): Json {
  try {
    return readJson(text, twice)
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error
    const { line, column } = placeOf(text, error.at)
    const where = `in line ${line}, column ${column}: ${error.message}`
    throw invalidFile(`${name} is not valid JSON ${where}. Correct it and push again.`, error)
  }
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Comments become blanks and a last comma a blank, so that every place stays where it was. */
export function withoutComments(text: string): string {
  const blank = (found: string) => found.replace(/[^\n]/g, ' ')
  return text
    .replace(/"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[^]*?\*\//g, (found) => (found.startsWith('"') ? found : blank(found)))
    .replace(/"(?:[^"\\\n]|\\.)*"|,(?=\s*[}\]])/g, (found) => (found === ',' ? ' ' : found))
}

/**
 * The line of a field's value in a file that was read, for sentences about it.
 * @returns null when there is no such field
 */
export function lineOf(text: string, path: readonly string[]): number | null {
  let found: Json | undefined = readJson(text, 'last')
  for (const name of path) found = found?.kind === 'object' ? found.members.get(name) : undefined
  return found ? placeOf(text, found.at).line : null
}
