/** The source archives of deploys: made from a pushed commit, kept until the deploy is over. */
import { createReadStream } from 'node:fs'
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { DeployId } from '#core/domain/ids.ts'
import type { Store } from '#core/store/connection.ts'
import { loadOpenDeploys } from '#core/store/deploys.ts'
import { codeOf, syncFolder, writeStream } from '../files.ts'
import type { Repository } from './repositories.ts'
import { startGit } from './run.ts'

export type Sources = {
  /**
   * Archives a commit. @param env points git at where the objects are. @param unwanted when it aborts, nothing is kept
   * @returns the archive's SHA-256, in hex
   */
  archive(
    id: DeployId,
    repository: Repository,
    commit: string,
    env: Record<string, string>,
    unwanted: AbortSignal,
  ): Promise<string>
  /** Keeps an archive that was sent. @returns its SHA-256, in hex. @throws BODY_TOO_LARGE, or what ended the stream; then nothing is kept */
  keep(id: DeployId, archive: Readable, maxBytes?: number): Promise<string>
  /** In bytes; null when there is none. */
  size(id: DeployId): Promise<number | null>
  /** @param from how many bytes to leave out at its beginning */
  read(id: DeployId, from?: number): Readable
  remove(id: DeployId): Promise<void>
  /** Removes what was written before `before` (ms since 1970) and belongs to no open deploy. */
  sweep(store: Store, before: number): Promise<void>
}

const SUFFIX = '.tar'

/** @param maxBytes the longest archive that is kept */
export function openSources(folder: string, maxBytes: number): Sources {
  const pathOf = (id: DeployId) => join(folder, id + SUFFIX)
  const remove = (id: DeployId) => rm(pathOf(id), { force: true })
  const write = async (id: DeployId, archive: Readable, most = maxBytes): Promise<string> => {
    const digest = await writeStream(archive, pathOf(id), most)
    await syncFolder(folder)
    return digest
  }
  return {
    async archive(id, repository, commit, env, unwanted) {
      const git = startGit(repository, archiveArguments(commit), { env })
      unwanted.addEventListener('abort', git.kill)
      git.stdin.end()
      git.stderr.resume()
      try {
        const [digest, code] = await Promise.all([write(id, git.stdout), git.ended])
        if (code !== 0) throw new Error(`git archive ended with code ${code}`)
        return digest
      } catch (error) {
        git.kill()
        await remove(id)
        throw error
      }
    },
    async keep(id, archive, most) {
      try {
        return await write(id, archive, most)
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
