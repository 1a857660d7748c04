/** completion: scripts for shells; completion:apps, which they call. */
import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Context, Run } from '../context.ts'
import { bashScript } from '../completion/bash.ts'
import { fishScript } from '../completion/fish.ts'
import { wordsOf } from '../completion/words.ts'
import { zshScript } from '../completion/zsh.ts'
import { usage } from '../failures.ts'

const shells = { bash: bashScript, zsh: zshScript, fish: fishScript }
/** Somebody who presses Tab waits no longer, and gets no names that are older. */
const WITHIN_MS = 1_000
const FRESH_MS = 60_000

export const script: Run = ({ out, commands, env }, [named], options) => {
  const shell = named ?? /[^/]*$/.exec(env['SHELL'] ?? '')?.[0] ?? ''
  if (!Object.hasOwn(shells, shell))
    throw usage(`There is no completion for ${JSON.stringify(shell)}. Name one: berth completion bash, zsh or fish.`)
  const text = shells[shell as keyof typeof shells](wordsOf(commands))
  if (options.json) out.json({ shell, script: text })
  else out.value(text.trimEnd())
  return Promise.resolve()
}

/** One name a line. It never fails: a shell that completes has nowhere to show why. */
export const apps: Run = async (context) => {
  const names = await namesOf(context).catch(() => [])
  for (const name of names) context.out.line(name)
}

async function namesOf({ client, env, now }: Context): Promise<string[]> {
  const api = await client()
  // Whose names they are, without the token itself in a file's name.
  const key = createHash('sha256').update(`${api.apiUrl} ${api.token}`).digest('hex').slice(0, 16)
  const base = env['XDG_CACHE_HOME'] || join(env['HOME'] || homedir(), '.cache')
  const file = join(base, 'berth', `apps-${key}`)
  const written = await stat(file).catch(() => null)
  if (written !== null && now() - written.mtimeMs < FRESH_MS)
    return (await readFile(file, 'utf8')).split('\n').filter(Boolean)
  const answer = await api.get('/apps', {}, WITHIN_MS)
  const names = answer.apps.map(({ name }) => name)
  await keep(file, names).catch(() => {})
  return names
}

async function keep(file: string, names: string[]): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const draft = `${file}.${process.pid}`
  await writeFile(draft, names.join('\n'), { mode: 0o600 })
  await rename(draft, file)
}
