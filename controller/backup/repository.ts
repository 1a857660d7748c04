/**
 * A repository as two files: its refs, and one pack of all that they reach. The refs are read first, and git only ever adds to
 * objects that a ref reaches, so a push that comes meanwhile does no harm. Packs are read and indexed by git in its sandbox.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { backupRefused } from '#core/domain/errors.ts'
import type { AppId } from '#core/domain/ids.ts'
import type { Repositories, Repository } from '../git/repositories.ts'
import { runGit, startGit } from '../git/run.ts'
import { codeOf } from '../files.ts'

export type Packed = {
  /** `head refs/heads/main`, `shallow HASH` and `ref HASH NAME`, a line each. */
  refs: Buffer
  /** null: there is nothing in it. */
  pack: (() => AsyncIterable<Uint8Array>) | null
}

const HASH = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/
const REF = /^refs\/[\x21-\x7e\u0080-\u{10ffff}]{1,500}$/u
const INDEX_MS = 30 * 60_000

/** @throws ENOENT when it is not there (any more) */
export async function packRepository(repositories: Repositories, app: AppId): Promise<Packed> {
  const folder = repositories.pathOf(app)
  const head = (await readFile(join(folder, 'HEAD'), 'utf8')).trim().replace(/^ref: /, '')
  const repository = await repositories.open(app)
  const listed = await runGit(repository, ['for-each-ref', '--format=%(objectname) %(refname)'])
  const refs = listed === '' ? [] : listed.split('\n')
  const shallow = (await readFile(join(folder, 'shallow'), 'utf8').catch(() => ''))
    .split('\n')
    .filter((line) => HASH.test(line))
  const lines = [`head ${head}`, ...shallow.map((hash) => `shallow ${hash}`), ...refs.map((ref) => `ref ${ref}`)]
  const wanted = refs.map((ref) => ref.split(' ')[0] ?? '')
  return {
    refs: Buffer.from(lines.map((line) => `${line}\n`).join('')),
    pack: wanted.length === 0 ? null : () => packOf(repository, wanted, app),
  }
}

async function* packOf(repository: Repository, wanted: string[], app: AppId): AsyncGenerator<Uint8Array> {
  const git = startGit(repository, ['pack-objects', '--revs', '--stdout', '--delta-base-offset', '-q'])
  git.stderr.resume()
  git.stdin.end(wanted.map((hash) => `${hash}\n`).join(''))
  try {
    for await (const chunk of git.stdout) yield chunk as Buffer
    const code = await git.ended
    if (code !== 0) throw new Error(`git pack-objects of ${app} ended with code ${code}`)
  } finally {
    git.kill()
  }
}

/** Makes the repository anew. @param pack null: it is empty. @throws BACKUP_REFUSED, or what git says */
export async function unpackRepository(
  repositories: Repositories,
  app: AppId,
  refsText: string,
  pack: Readable | null,
): Promise<void> {
  const { head, shallow, refs } = readRefs(refsText)
  await repositories.remove(app)
  const repository = await repositories.open(app)
  if (shallow.length > 0)
    await writeFile(join(repositories.pathOf(app), 'shallow'), shallow.map((hash) => `${hash}\n`).join(''), {
      mode: 0o644,
    })
  if (pack !== null) await index(repository, pack)
  await runGit(repository, ['update-ref', '--stdin'], {
    input: refs.map(({ hash, name }) => `create ${name} ${hash}\n`).join(''),
  })
  await runGit(repository, ['symbolic-ref', 'HEAD', head])
}

async function index(repository: Repository, pack: Readable): Promise<void> {
  const git = startGit(repository, ['index-pack', '--stdin'])
  git.stdout.resume()
  let said = ''
  git.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-1000)))
  const timer = setTimeout(git.kill, INDEX_MS)
  try {
    await pipeline(pack, git.stdin).catch((error: unknown) => {
      // Git ended first: what it said is the reason.
      if (codeOf(error) !== 'EPIPE' && codeOf(error) !== 'ERR_STREAM_PREMATURE_CLOSE') throw error
    })
    const code = await git.ended
    if (code !== 0) throw new Error(`git index-pack ended with code ${code ?? 'killed'}: ${said.trim()}`)
  } finally {
    clearTimeout(timer)
    git.kill()
  }
}

type Refs = { head: string; shallow: string[]; refs: { hash: string; name: string }[] }

function readRefs(text: string): Refs {
  const found: Refs = { head: 'refs/heads/main', shallow: [], refs: [] }
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const [kind, value = '', name = ''] = line.split(' ')
    if (kind === 'head' && REF.test(value)) found.head = value
    else if (kind === 'shallow' && HASH.test(value)) found.shallow.push(value)
    else if (kind === 'ref' && HASH.test(value) && REF.test(name)) found.refs.push({ hash: value, name })
    else throw backupRefused(`a list of git refs in it holds ${JSON.stringify(line.slice(0, 100))}`)
  }
  return found
}
