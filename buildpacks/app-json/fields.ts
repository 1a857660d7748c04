/** Reading app.json field by field: each knows its path and its line, so that a wrong one can be named. Pure. */
import type { ProcessType } from '#core/domain/ids.ts'
import { isCommand, isProcessType } from '#core/domain/procfile.ts'
import { invalidFile, type BuildFailure } from '../contract.ts'
import { readFile } from '../json-object.ts'
import { placeOf, type Json } from '../json.ts'

export type Field = { path: string; json: Json; text: string }

/** Notes that a field was left out, and why. */
export type Ignore = (path: string, why?: string) => void

/** @throws BuildFailure with line and column when it is not a JSON object */
export function openFile(text: string): Field {
  const file: Field = { path: '', json: readFile('app.json', text, 'refused'), text }
  membersOf(file)
  return file
}

/** @throws BuildFailure when the field is no object */
export function membersOf(field: Field): [name: string, field: Field][] {
  if (field.json.kind !== 'object') throw wrong(field, 'an object in { }')
  return [...field.json.members].map(([name, json]) => [
    name,
    { path: field.path === '' ? name : `${field.path}.${name}`, json, text: field.text },
  ])
}

/** @throws BuildFailure when the field is no list */
export function itemsOf(field: Field): Field[] {
  if (field.json.kind !== 'list') throw wrong(field, 'a list in [ ]')
  return field.json.items.map((json, index) => ({ path: `${field.path}[${index}]`, json, text: field.text }))
}

/** A member by its name; null when it is not there, or is null. */
export function memberOf(field: Field, name: string): Field | null {
  const found = membersOf(field).find(([known]) => known === name)?.[1] ?? null
  return found?.json.kind === 'other' && found.json.value === null ? null : found
}

/** @throws BuildFailure when the field is no text */
export function textOf(field: Field, expected = 'text in double quotes'): string {
  if (field.json.kind !== 'text') throw wrong(field, expected)
  return field.json.value
}

/** @throws BuildFailure when the field is no whole number from `least` to `most` */
export function wholeOf(field: Field, least: number, most: number): number {
  const value = field.json.kind === 'other' ? field.json.value : null
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
  throw wrong(field, `a whole number from ${least} to ${most}`)
}

/** @throws BuildFailure when the field is neither true nor false */
export function truthOf(field: Field): boolean {
  const value = field.json.kind === 'other' ? field.json.value : null
  if (typeof value === 'boolean') return value
  throw wrong(field, 'true or false')
}

/** @throws BuildFailure when the field is no command of one line */
export function commandOf(field: Field): string {
  const command = textOf(field, 'a command in double quotes').trim()
  if (!isCommand(command)) throw wrong(field, 'a command: one line of 1 to 4096 printable characters')
  return command
}

/** @throws BuildFailure when the field is not named by a process type */
export function typeOf(name: string, field: Field): ProcessType {
  if (isProcessType(name)) return name
  throw wrong(renamed(field, name), 'named by a process type such as web')
}

/** The field with its own name as its value, for what is wrong with the name. */
export const renamed = (field: Field, name: string): Field => ({
  ...field,
  json: { at: field.json.at, kind: 'text', value: name },
})

/** The sentence for a field that means nothing here. */
export function wrong({ path, json, text }: Field, expected: string): BuildFailure {
  const { line } = placeOf(text, json.at)
  const where = path === '' ? '' : `"${path.slice(0, 120)}" `
  return invalidFile(
    `app.json, line ${line}: ${where}must be ${expected}, got ${shown(json)}. Correct it and push again.`,
  )
}

function shown(json: Json): string {
  switch (json.kind) {
    case 'object':
      return 'an object'
    case 'list':
      return 'a list'
    case 'text':
    case 'other':
      return JSON.stringify(json.value).slice(0, 100)
  }
}
