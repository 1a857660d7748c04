/** A door for SSH in front of a test's API, and people with keys who come to it with OpenSSH's own client. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '#core/runtime/process.ts'
import { prepareSsh, type SshDoor } from '../../controller/ssh/server.ts'
import { usualLimits, type SshLimits } from '../../controller/ssh/limits.ts'
import type { TestApi } from './api.ts'
import { freePort } from './world.ts'

export type TestDoor = {
  port: number
  door: SshDoor
  /** Makes a key pair. @returns its private file; the public one ends in `.pub` */
  newKey(...args: string[]): Promise<string>
  /** Runs ssh to the door, to its end. */
  ssh(key: string, args: string[], command?: string): Promise<Ran>
  /** For git's GIT_SSH_COMMAND. */
  sshCommand(key: string): string
  stop(): Promise<void>
}

export type Ran = { code: number; said: string }

export async function openDoor(api: TestApi, limits: Partial<SshLimits> = {}): Promise<TestDoor> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-ssh-'))
  const port = await freePort()
  const context = { ...api.context, config: { ...api.context.config, sshPort: port } }
  const door = await prepareSsh(context, { ...usualLimits, ...limits })
  await door.open(context)
  let keys = 0
  const view = door.view()
  if (view.enabled) await writeFile(join(folder, 'known_hosts'), `[127.0.0.1]:${port} ${view.hostKey}\n`)
  const options = (key: string) => [
    ...['-F', '/dev/null', '-i', key, '-p', String(port)],
    ...['IdentitiesOnly=yes', 'BatchMode=yes', 'StrictHostKeyChecking=yes', 'IdentityAgent=none'].flatMap((o) => [
      '-o',
      o,
    ]),
    ...['-o', `UserKnownHostsFile=${join(folder, 'known_hosts')}`],
  ]
  return {
    port,
    door,
    async newKey(...args) {
      const file = join(folder, `key${++keys}`)
      await run([
        'ssh-keygen',
        '-q',
        '-N',
        '',
        '-C',
        `me@machine${keys}`,
        '-f',
        file,
        ...(args.length > 0 ? args : ['-t', 'ed25519']),
      ])
      return file
    },
    async ssh(key, args, command) {
      const child = spawn(
        'ssh',
        [...options(key), ...args, 'git@127.0.0.1', ...(command === undefined ? [] : [command])],
        {
          stdio: ['ignore', 'pipe', 'pipe'],
        },
      )
      let said = ''
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
      const [code] = (await once(child, 'close')) as [number]
      return { code, said }
    },
    sshCommand: (key) => ['ssh', ...options(key)].join(' '),
    async stop() {
      await door.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export const publicPart = (key: string): Promise<string> => readFile(`${key}.pub`, 'utf8')
