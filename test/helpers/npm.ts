/** npm's own package on this machine: the one that runs the tests, or else the one that is installed. */
import { realpath } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { run } from '#core/runtime/process.ts'

const PROGRAM = 'bin/npm-cli.js'

let found: Promise<string> | null = null

export const npmFolder = (): Promise<string> => (found ??= find())

/** The command is a link to the program as a rule; to ask npm itself takes a third of a second of a processor. */
async function find(): Promise<string> {
  const commands = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'npm'))
  for (const path of [process.env['npm_execpath'] ?? '', ...commands]) {
    const program = await realpath(path).catch(() => '')
    if (program.endsWith(`/${PROGRAM}`)) return dirname(dirname(program))
  }
  return join((await run(['npm', 'root', '--global'])).stdout.trim(), 'npm')
}
