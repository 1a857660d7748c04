/** install, uninstall: Berth's parts as systemd units of this machine, by the platform's own code; no Berth has to run. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join, resolve } from 'node:path'
import type { Context, Run } from '../context.ts'
import { failed } from '../failures.ts'
import { isPackaged } from '../self.ts'

export const install: Run = async (context, _args, { role, controller, tokenFile, dryRun, into }) => {
  const args = [
    ...(role === undefined ? [] : ['--role', role]),
    ...(controller === undefined ? [] : ['--controller', controller]),
    ...(tokenFile === undefined ? [] : ['--token-file', resolve(context.cwd, tokenFile)]),
    ...(dryRun === true ? ['--dry-run'] : []),
    ...(into === undefined ? [] : ['--into', resolve(context.cwd, into)]),
  ]
  await call(context, ['install', ...args])
}

export const uninstall: Run = async (context) => call(context, ['uninstall'])

async function call({ launcher, env, out }: Context, args: string[]): Promise<void> {
  if (isPackaged)
    throw failed(
      `A machine gets Berth from a checkout, which has all of its parts: run bin/berth ${args[0] ?? ''} there.`,
    )
  const script = join(dirname(dirname(launcher)), 'scripts', 'install.ts')
  const child = spawn(process.execPath, ['--no-warnings', script, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let [said, complaint] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text))
  const [code] = (await once(child, 'close')) as [number | null]
  if (said !== '') out.value(said.trimEnd())
  if (code !== 0) throw failed(complaint.trim() || `install ended with code ${code ?? 'killed'}.`)
}
