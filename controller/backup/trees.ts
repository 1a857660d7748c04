/** Folders of the operator's own, as tar archives: GNU tar packs and unpacks them, with owners and rights. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { run } from '#core/runtime/process.ts'

export async function* packFolder(parent: string, name: string): AsyncGenerator<Uint8Array> {
  const child = spawn('tar', ['--create', '--directory', parent, '--', name], { stdio: ['ignore', 'pipe', 'ignore'] })
  const ended = once(child, 'close')
  try {
    for await (const chunk of child.stdout) yield chunk as Buffer
    const [code] = (await ended) as [number | null]
    // 1: a file changed while it was read.
    if (code !== 0 && code !== 1) throw new Error(`tar of ${name} ended with code ${code}`)
  } finally {
    child.kill('SIGKILL')
  }
}

export async function unpackFolder(archive: string, parent: string): Promise<void> {
  await mkdir(parent, { recursive: true })
  await run(['tar', '--extract', '--file', archive, '--directory', parent, '--no-overwrite-dir'], {
    timeoutMs: 600_000,
  })
}
