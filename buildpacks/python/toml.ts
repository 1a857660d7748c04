/** Reads TOML with the stack's own Python, whose parser is the one that its tools use. */
import { spawnSync } from 'node:child_process'
import { invalidFile, type AppFolder } from '../contract.ts'
import { MIB } from '../folder.ts'

const program = `import json, sys, tomllib
try:
    json.dump(tomllib.loads(sys.stdin.buffer.read().decode()), sys.stdout, default=str)
except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
    sys.exit(str(error))
`
const WITHIN_MS = 30_000

export type Table = { [key: string]: unknown }

/**
 * @returns null when there is no such file
 * @throws BuildFailure that names the file, and the line when it is no TOML
 */
export async function readToml(app: AppFolder, name: string, limitBytes = 16 * MIB): Promise<Table | null> {
  const text = await app.read(name, limitBytes)
  if (text === null) return null
  const { status, stdout, stderr, error } = spawnSync('python3', ['-I', '-c', program], {
    input: text,
    encoding: 'utf8',
    maxBuffer: 64 * MIB,
    timeout: WITHIN_MS,
  })
  if (status !== 0)
    throw invalidFile(`${name} is not valid TOML: ${(stderr || error?.message || '').trim().slice(0, 200)}.`, error)
  return tableOf(JSON.parse(stdout))
}

/** A table's table, or an empty one where it is something else. */
export const tableOf = (value: unknown): Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Table) : {}

export const textsOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : []
