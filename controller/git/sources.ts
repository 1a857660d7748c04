/** The source archives of deploys: made from a pushed commit, kept until the deploy is over. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { DeployId } from '#core/domain/ids.ts'
import type { Store } from '#core/store/connection.ts'
import { loadOpenDeploys } from '#core/store/deploys.ts'
import { codeOf, syncFolder, writeStream } from '../files.ts'
import { asGitUser } from './settings.ts'

export type Sources = {
  /** Archives a commit. @param env git's, pointing at where the objects are. @returns the archive's SHA-256, in hex */
  archive(id: DeployId, commit: string, env: Record<string, string>): Promise<string>
  /** Takes a source in as it comes. @returns its SHA-256, in hex. @throws BODY_TOO_LARGE */
  put(id: DeployId, content: Readable, maxBytes: number): Promise<string>
  /** In bytes; null when there is none. */
  size(id: DeployId): Promise<number | null>
  /** @param from how many bytes to leave out at its beginning */
  read(id: DeployId, from?: number): Readable
  remove(id: DeployId): Promise<void>
  /** Removes what was written before `before` (ms since 1970) and belongs to no open deploy. */
  sweep(store: Store, before: number): Promise<void>
}

const MAX_BYTES = 1024 ** 3
const SUFFIX = '.tar'

export function openSources(folder: string, maxBytes = MAX_BYTES): Sources {
  const pathOf = (id: DeployId) => join(folder, id + SUFFIX)
  const remove = (id: DeployId) => rm(pathOf(id), { force: true })
  return {
    async archive(id, commit, env) {
      const child = spawn('git', archiveArguments(commit), {
        ...asGitUser,
        env,
        cwd: '/',
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      const ended = once(child, 'close') as Promise<[number | null]>
      try {
        const [digest, [code]] = await Promise.all([writeStream(child.stdout, pathOf(id), maxBytes), ended])
        if (code !== 0) throw new Error(`git archive ended with code ${code}`)
        await syncFolder(folder)
        return digest
      } catch (error) {
        child.kill('SIGKILL')
        await remove(id)
        throw error
      }
    },
    async put(id, content, most) {
      try {
        const digest = await writeStream(content, pathOf(id), most)
        await syncFolder(folder)
        return digest
      } catch (error) {
        await remove(id)
        throw error
      }
    },
    async size(id) {
      try {
        return (await stat(pathOf(id))).size
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return null
        throw error
      }
    },
    read: (id, from = 0) => createReadStream(pathOf(id), { start: from }),
    remove,
    async sweep(store, before) {
      const open = new Set<string>((await loadOpenDeploys(store)).map((deploy) => deploy.id + SUFFIX))
      for (const name of await readdir(folder)) {
        const path = join(folder, name)
        if (!open.has(name) && (await stat(path)).mtimeMs < before) await rm(path, { force: true })
      }
    },
  }
}

export const archiveArguments = (commit: string): string[] => ['archive', '--format=tar', commit]
