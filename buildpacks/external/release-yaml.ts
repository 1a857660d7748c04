/** What bin/release answers: YAML with the process types and config vars of a buildpack. */
import { FAILSAFE_SCHEMA, load, YAMLException } from 'js-yaml'
import { isConfigName } from '#core/domain/app.ts'
import { isCommand, isProcessType, type Procfile } from '#core/domain/procfile.ts'
import { BuildFailure, exitCodes } from '../contract.ts'

export type Answer = { processes: Procfile; env: Record<string, string>; ignored: string[] }

/**
 * @param text every scalar is taken as text: PORT: 3000 is the text 3000
 * @param shown the buildpack's name, for the sentence
 * @throws BuildFailure with the line
 */
export function readRelease(text: string, shown: string): Answer {
  const answer: Answer = { processes: {}, env: {}, ignored: [] }
  const document = parse(text, shown)
  if (document === undefined || document === null || document === '') return answer
  const fields = mapping(document, 'it', shown)
  for (const [name, value] of Object.entries(fields)) {
    if (name === 'default_process_types') answer.processes = processesOf(value, shown, answer.ignored)
    else if (name === 'config_vars') answer.env = variablesOf(value, shown, answer.ignored)
    else if (name !== 'addons' || !isNothing(value)) answer.ignored.push(name.slice(0, 60))
  }
  return answer
}

function parse(text: string, shown: string): unknown {
  try {
    // Nothing but text, lists and mappings: no tag can make anything else of it.
    return load(text, { schema: FAILSAFE_SCHEMA })
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error
    const line = error.mark ? `, line ${error.mark.line + 1}, column ${error.mark.column + 1}` : ''
    throw broken(shown, `is not YAML${line}: ${error.reason}`, error)
  }
}

function processesOf(value: unknown, shown: string, ignored: string[]): Procfile {
  if (isNothing(value)) return {}
  const processes: Procfile = {}
  for (const [type, command] of Object.entries(mapping(value, 'default_process_types', shown))) {
    const line = typeof command === 'string' ? command.trim().replace(/\s*\n\s*/g, ' ') : ''
    if (!isProcessType(type)) ignored.push(`the process type ${JSON.stringify(type.slice(0, 40))}`)
    else if (isCommand(line)) processes[type] = line
    else throw broken(shown, `has no command of one line for ${type}`)
  }
  return processes
}

function variablesOf(value: unknown, shown: string, ignored: string[]): Record<string, string> {
  if (isNothing(value)) return {}
  const env: Record<string, string> = {}
  for (const [name, text] of Object.entries(mapping(value, 'config_vars', shown))) {
    if (isConfigName(name) && typeof text === 'string') env[name] = text
    else ignored.push(`the config var ${JSON.stringify(name.slice(0, 40))}`)
  }
  return env
}

const isNothing = (value: unknown): boolean =>
  value === null ||
  value === undefined ||
  value === '' ||
  (typeof value === 'object' && Object.keys(value).length === 0)

function mapping(value: unknown, what: string, shown: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw broken(shown, `: ${what} must be a mapping of names to values`)
}

const broken = (shown: string, why: string, cause?: unknown) =>
  new BuildFailure(
    exitCodes.failedStep,
    `What bin/release of ${shown} printed ${why}. Report it to whoever keeps the buildpack.`.replace(' : ', ': '),
    { cause },
  )
