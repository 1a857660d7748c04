import type { ProcessType } from './ids.ts'

export type Procfile = Partial<Record<ProcessType, string>>

const MAX_TYPES = 20
const MAX_COMMAND = 4096

export const isProcessType = (text: string): text is ProcessType => /^[a-z][a-z0-9]{0,19}$/.test(text)

/**
 * Reads a Procfile: `type: command` a line; blank lines and `#` comments are skipped.
 * @throws an Error whose message names the line, for the pusher
 */
export function parseProcfile(text: string): Procfile {
  const processes: Procfile = {}
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const match = /^([A-Za-z0-9_-]+)\s*:\s*(\S.*)$/.exec(line)
    if (!match)
      throw new Error(`Procfile line ${index + 1} is not "type: command": ${JSON.stringify(line.slice(0, 80))}`)
    const [, type = '', command = ''] = match
    if (!isProcessType(type))
      throw new Error(
        `Procfile line ${index + 1}: a process type is a lower-case letter and up to 19 letters and digits, got ${JSON.stringify(type)}`,
      )
    if (Object.hasOwn(processes, type))
      throw new Error(`Procfile line ${index + 1}: the process type ${type} is already defined`)
    if (!isCommand(command))
      throw new Error(`Procfile line ${index + 1}: a command has 1 to ${MAX_COMMAND} printable characters`)
    processes[type] = command
  }
  if (Object.keys(processes).length > MAX_TYPES)
    throw new Error(`The Procfile defines more than ${MAX_TYPES} process types`)
  return processes
}

/** A command is one line: it will be an argument of the sandbox's own shell, and it is shown in lists and logs. */
export function isCommand(text: string): boolean {
  return text.length > 0 && text.length <= MAX_COMMAND && ![...text].some((c) => c < ' ' || c === '\x7f')
}
