/** What `berth local` finds and gives: the Procfile, the variables of .env, and a port for each process. */
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { messageOf } from '#core/domain/errors.ts'
import { parseProcfile } from '#core/domain/procfile.ts'
import { failed, usage } from '../failures.ts'
import { parseDotEnv } from './dotenv.ts'

const FIRST_PORT = 3000
const PORTS_APART = 100
const TRIES = 50

/** @throws when there is none, or it cannot be understood */
export async function readProcesses(cwd: string): Promise<Record<string, string>> {
  const text = await read(join(cwd, 'Procfile'))
  if (text !== null) {
    try {
      return parseProcfile(text) as Record<string, string>
    } catch (error) {
      throw failed(messageOf(error))
    }
  }
  if (await hasStartScript(cwd)) return { web: 'npm start' }
  throw failed(
    'There is no Procfile here, and no package.json with a start script. Write one, as in `web: node server.js`, or let berth init do it.',
  )
}

/** The types to run: those that are named, else all but the release command, which is no process to keep. */
export function chooseTypes(processes: Record<string, string>, wanted: string | undefined): string[] {
  const all = Object.keys(processes)
  if (wanted === undefined) return all.filter((type) => type !== 'release')
  const types = wanted.split(',')
  const missing = types.find((type) => !all.includes(type))
  if (missing !== undefined) throw usage(`The Procfile has no process type "${missing}". It has: ${all.join(', ')}.`)
  return types
}

/** The surroundings of an app's process: this machine's, what .env says, and nothing that opens Berth itself. */
export async function readEnvironment(
  cwd: string,
  env: NodeJS.ProcessEnv,
  file: string | undefined,
  note: (text: string) => void,
): Promise<NodeJS.ProcessEnv> {
  const name = file ?? '.env'
  const text = await read(join(cwd, name))
  if (text === null && file !== undefined) throw usage(`There is no ${file} here.`)
  const { variables, wrong } = parseDotEnv(text ?? '')
  if (wrong.length > 0) note(`${name}: not understood and left out: line ${wrong.join(', ')}.`)
  const { BERTH_TOKEN: _secret, ...own } = env
  return { ...own, ...variables }
}

/** `web` has the first port, as it is what a browser is pointed at. @throws when the port that was asked for is taken */
export async function choosePorts(types: string[], wanted: string | undefined): Promise<Record<string, number>> {
  if (wanted !== undefined && !/^[1-9]\d{0,4}$/.test(wanted))
    throw usage(`--port must be a port number, got "${wanted}".`)
  const first = wanted === undefined ? await freePort(FIRST_PORT) : Number(wanted)
  if (first > 65_535 - PORTS_APART * types.length)
    throw usage(`--port is too high for ${types.length} processes: ${first}.`)
  if (!(await isFree(first))) throw failed(`Port ${first} is in use. Choose another with --port.`)
  const ordered = [...types].sort((a, b) => Number(b === 'web') - Number(a === 'web'))
  return Object.fromEntries(ordered.map((type, index) => [type, first + index * PORTS_APART]))
}

async function freePort(from: number): Promise<number> {
  for (let port = from; port < from + TRIES; port += 1) if (await isFree(port)) return port
  throw failed(`None of the ports ${from} to ${from + TRIES - 1} is free. Choose another with --port.`)
}

/** On all addresses, as apps listen. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, () => server.close(() => resolve(true)))
  })
}

async function hasStartScript(cwd: string): Promise<boolean> {
  try {
    const { scripts } = JSON.parse((await read(join(cwd, 'package.json'))) ?? '{}') as { scripts?: { start?: unknown } }
    return typeof scripts?.start === 'string'
  } catch {
    return false
  }
}

async function read(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
