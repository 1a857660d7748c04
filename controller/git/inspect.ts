/** Looks at a pushed commit before it is deployed: how much it would unfold to, and what in it is not what it seems. */
import type { Readable } from 'node:stream'
import { runGit, startGit } from './run.ts'
import type { Repository } from './repositories.ts'
import { subjectIn } from './subject.ts'
import { isPointer, judgeTree, warnings, type Tree, type TreeJudge } from './tree.ts'

export type Inspected = { ok: true; warnings: string[] } | { ok: false; why: string }

/** As many as a slug may hold (docs/limits.md), and paths that a slug may hold. */
const MAX_FILES = 200_000
const MAX_DEPTH = 128
const MAX_PATH_BYTES = 2048
const WITHIN_MS = 120_000

/** @param env points git at where the pushed objects are. @param bytes the most that the commit's files may take */
export async function inspectCommit(
  repository: Repository,
  commit: string,
  env: Record<string, string>,
  bytes: number,
): Promise<Inspected> {
  const judge = judgeTree({ files: MAX_FILES, bytes, depth: MAX_DEPTH, pathBytes: MAX_PATH_BYTES })
  const git = startGit(repository, ['ls-tree', '-r', '-l', '-z', '--full-tree', commit], { env })
  const timer = setTimeout(git.kill, WITHIN_MS)
  git.stdin.end()
  git.stderr.resume()
  try {
    const why = await judgeEntries(git.stdout, judge)
    if (why !== null) return { ok: false, why }
    const code = await git.ended
    if (code !== 0) throw new Error(`git ls-tree of ${commit} ended with ${code ?? 'a signal'}`)
  } finally {
    clearTimeout(timer)
    git.kill()
  }
  if (judge.tree.files === 0)
    return { ok: false, why: `Commit ${commit.slice(0, 7)} holds no files, so there is nothing to deploy.` }
  return { ok: true, warnings: warnings(judge.tree.submodules, await findPointers(repository, judge.tree, env)) }
}

/** Of a message only its beginning is read: nobody said that it ends. */
const SUBJECT_BYTES = 4096

/**
 * What a commit says of itself, in a line (git-log(1), PRETTY FORMATS, `%s`).
 * @returns null where it says nothing, or nothing that git can read
 */
export async function readSubject(
  repository: Repository,
  commit: string,
  env: Record<string, string>,
): Promise<string | null> {
  const args = ['rev-list', '--max-count=1', '--no-commit-header', '--format=%s', commit]
  const git = startGit(repository, args, { env })
  const timer = setTimeout(git.kill, WITHIN_MS)
  git.stdin.end()
  git.stderr.resume()
  try {
    return subjectIn(await readBeginning(git.stdout, SUBJECT_BYTES))
  } finally {
    clearTimeout(timer)
    git.kill()
  }
}

async function readBeginning(output: Readable, bytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of output as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    length += chunk.length
    if (length >= bytes) break
  }
  return Buffer.concat(chunks).subarray(0, bytes).toString('utf8')
}

/** @returns why it is refused, or null once all entries are judged */
async function judgeEntries(output: Readable, judge: TreeJudge): Promise<string | null> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of output.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    const text = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let from = 0
    for (let end = text.indexOf(0, from); end >= 0; end = text.indexOf(0, from)) {
      const why = judge.take(text.subarray(from, end))
      if (why !== null) return why
      from = end + 1
    }
    rest = text.subarray(from)
  }
  return null
}

/** Only a project with attributes can use LFS, so the others pay nothing. */
async function findPointers(repository: Repository, tree: Tree, env: Record<string, string>): Promise<string[]> {
  if (!tree.hasAttributes || tree.small.size === 0) return []
  const objects = [...tree.small.keys()]
  const output = await runGit(repository, ['cat-file', '--batch'], { env, input: objects.join('\n') + '\n' })
  return readBatch(output)
    .filter(({ content }) => isPointer(content))
    .map(({ object }) => tree.small.get(object) ?? object)
    .sort()
}

/** `OBJECT TYPE SIZE LF CONTENT LF` each (git-cat-file(1), BATCH OUTPUT). What is not text does not matter here. */
function readBatch(output: string): { object: string; content: string }[] {
  return [...output.matchAll(/^([0-9a-f]{40,64}) blob \d+\n(version https[^\0]*?oid sha256:[0-9a-f]{64}\n)/gm)].map(
    ([, object = '', content = '']) => ({ object, content }),
  )
}
