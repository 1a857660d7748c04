/** local, local:run, local:pull: the app on the developer's own machine. */
import { spawn } from 'node:child_process'
import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Context, Run } from '../context.ts'
import { failed, ProgramEnded, usage } from '../failures.ts'
import { isIgnored, isRepository } from '../git.ts'
import { renderDotEnv } from '../local/dotenv.ts'
import { exitCodeOf, startProcess, type End } from '../local/processes.ts'
import { choosePorts, chooseTypes, readEnvironment, readProcesses } from '../local/surroundings.ts'

/** As long as the platform gives a process before SIGKILL. */
const GRACE_MS = 10_000

/** Runs until one of the processes ends or somebody ends it, and then ends all. Its exit code is that of the first that ended. */
export const start: Run = async ({ cwd, env, out }, _args, options) => {
  const processes = await readProcesses(cwd)
  const types = chooseTypes(processes, options.processType)
  if (types.length === 0) throw failed('The Procfile names no process to run.')
  const variables = await readEnvironment(cwd, env, options.file, out.note)
  const ports = await choosePorts(types, options.port)
  const width = Math.max(...types.map((type) => type.length))
  const interrupted = listenForSignals()
  const running = types.map((type, index) => {
    const command = processes[type] ?? ''
    const show = (line: string) =>
      options.json ? out.jsonLine({ process: type, line }) : out.labelled({ label: type, width, hue: index }, line)
    show(`$ PORT=${ports[type]} ${command}`)
    return startProcess({ type, command, cwd, env: { ...variables, PORT: String(ports[type]) } }, show)
  })
  const first = await Promise.race([interrupted.first, ...running.map(({ ended }) => ended)])
  out.note(sentenceOn(first))
  void interrupted.second.then(() => running.forEach((one) => one.signal('SIGKILL')))
  await Promise.all(running.map((one) => one.end(GRACE_MS)))
  interrupted.stop()
  if (first.code !== 0) throw new ProgramEnded(first.code)
}

/** One word is a line for the shell, as the Procfile's are; several are a program and its arguments. */
export const run: Run = async ({ cwd, env, out }, words, options) => {
  const [program = '', ...args] = words.length === 1 ? ['/bin/sh', '-c', words[0] ?? ''] : words
  const variables = await readEnvironment(cwd, env, options.file, out.note)
  const child = spawn(program, args, { cwd, env: variables, stdio: 'inherit' })
  // The terminal sends Ctrl-C to both; what is sent to this process alone is handed on.
  const handOn = (signal: NodeJS.Signals) => void child.kill(signal)
  const leave = () => {}
  process.on('SIGINT', leave).on('SIGTERM', handOn).on('SIGHUP', handOn)
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', (error) => reject(failed(`${program} could not be started: ${error.message}`)))
    child.once('exit', (exit, signal) => resolve(exitCodeOf(exit, signal)))
  })
  process.off('SIGINT', leave).off('SIGTERM', handOn).off('SIGHUP', handOn)
  if (code !== 0) throw new ProgramEnded(code)
}

/** Config vars are secrets: the file is its owner's alone, and git is told to leave it out before it is written. */
export const pull: Run = async (context, _args, options) => {
  const { cwd, out } = context
  const name = options.file ?? '.env'
  if (!/^\.?[\w.-]+$/.test(name)) throw usage(`--file takes a name in this folder, got "${name}".`)
  const app = await context.app(options)
  const { config } = await (await context.client()).get('/apps/:app/config', { app })
  const ignoredNow = await leaveOutOfGit(context, name)
  try {
    await writeFile(join(cwd, name), renderDotEnv(config), { mode: 0o600, flag: options.overwrite ? 'w' : 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw failed(`${name} is there already. Replace it with --overwrite, or write another with --file.`)
  }
  const count = Object.keys(config).length
  if (options.json) return out.json({ app, file: name, variables: Object.keys(config) })
  out.line(`Wrote ${count} config ${count === 1 ? 'var' : 'vars'} of ${app} to ${name}.`)
  if (ignoredNow) out.note(`Added ${name} to .gitignore: it holds secrets.`)
}

/** @returns whether it had to be added */
async function leaveOutOfGit({ cwd }: Context, name: string): Promise<boolean> {
  if (!(await isRepository(cwd)) || (await isIgnored(cwd, name))) return false
  const file = join(cwd, '.gitignore')
  const before = await readFile(file, 'utf8').catch(() => '')
  await appendFile(file, `${before === '' || before.endsWith('\n') ? '' : '\n'}/${name}\n`)
  return true
}

type Stop = End & { signal?: NodeJS.Signals }

/** The first signal asks to end, the second to hurry. */
function listenForSignals() {
  const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const
  const names = Object.keys(codes) as (keyof typeof codes)[]
  let first: (stop: Stop) => void = () => {}
  let second: () => void = () => {}
  let count = 0
  const firstOne = new Promise<Stop>((resolve) => (first = resolve))
  const secondOne = new Promise<void>((resolve) => (second = resolve))
  const onSignal = (signal: NodeJS.Signals) => {
    count += 1
    if (count === 1) first({ type: '', code: codes[signal as keyof typeof codes], signal })
    else second()
  }
  for (const name of names) process.on(name, onSignal)
  return {
    first: firstOne,
    second: secondOne,
    stop: () => {
      for (const name of names) process.off(name, onSignal)
    },
  }
}

const sentenceOn = ({ type, code, signal }: Stop): string =>
  signal === undefined ? `${type} ended with exit code ${code}: ending the others` : `${signal}: ending all`
