import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { folderAt, judgeTree } from '../../../agent/tree.ts'

const limits = { bytes: 1000, entries: 5, depth: 3, pathBytes: 20 }
type Entry = { kind?: string; depth?: number; bytes?: number; names?: number; inode?: number; path: string }
const record = ({ kind = 'f', depth = 1, bytes = 1, names = 1, inode = 1, path }: Entry) =>
  `${kind} ${depth} ${bytes} ${names} ${inode} ${path}\0`

describe('Judging what a build left', () => {
  const judge = (...entries: Entry[]) => judgeTree(limits).judge(entries.map(record).join(''))

  it('S29: takes what is within its limits', () => {
    assert.equal(judge({ path: 'a' }, { path: 'b/c/d', depth: 3, bytes: 998 }, { path: 'x'.repeat(20) }), null)
  })

  it('S29: counts the bytes of all files, a file with several names once, and of nothing but files', () => {
    assert.match(judge({ path: 'a', bytes: 600 }, { path: 'b c', bytes: 401 }) ?? '', /"b c" alone has 401 bytes/)
    const linked = { bytes: 600, names: 2, inode: 7 }
    assert.equal(judge({ path: 'a', ...linked }, { path: 'b', ...linked }), null)
    assert.equal(judge({ path: 'd', kind: 'd', bytes: 4096 }, { path: 'l', kind: 'l', bytes: 4096 }), null)
  })

  it('S29: refuses what lies too deep or has too long a path, and shows it without its control characters', () => {
    assert.match(judge({ path: 'a\nb', depth: 4 }) ?? '', /^"a\\nb" lies more than 3 folders deep$/)
    assert.match(judge({ path: 'x'.repeat(21) }) ?? '', /longer than 20 bytes/)
  })

  it('S29: refuses what is neither file, folder nor link, and says what it is', () => {
    assert.match(judge({ path: 'a/p', kind: 'p' }) ?? '', /^"a\/p" is a named pipe, and only files, folders and links/)
    assert.match(judge({ path: 's', kind: 's' }) ?? '', /^"s" is a socket/)
    for (const kind of ['c', 'b']) assert.match(judge({ path: 'd', kind }) ?? '', /^"d" is a device/)
  })

  it('S29: refuses more entries than a slug may have, whatever they are', () => {
    const entries = ['a', 'b', 'c', 'd', 'e'].map((path) => ({ path, kind: 'l' }))
    assert.equal(judge(...entries), null)
    assert.match(judge(...entries, { path: 'f', kind: 'd' }) ?? '', /more than 5 files and folders, the last one "f"/)
  })

  it('reads the list in whatever pieces it comes', () => {
    const text = [{ path: 'a b' }, { path: 'c\nd' }, { path: 'e', bytes: 2000 }].map(record).join('')
    fc.assert(
      fc.property(fc.nat(text.length), fc.nat(text.length), (one, two) => {
        const [from, to] = [Math.min(one, two), Math.max(one, two)]
        const { judge: judgePiece, size } = judgeTree(limits)
        const said = [text.slice(0, from), text.slice(from, to), text.slice(to)].map(judgePiece)
        assert.match(said.find((why) => why !== null) ?? '', /"e" alone has 2000 bytes/)
        assert.deepEqual(size, { entries: 3, nameBytes: 3 })
      }),
    )
  })
})

describe('A folder of a tenant’s', () => {
  it('S32: is a folder only if no part of its path is a link', async () => {
    const root = await mkdtemp(join(tmpdir(), 'berth-tree-'))
    try {
      await mkdir(join(root, 'real/inner'), { recursive: true })
      await symlink('real', join(root, 'link'))
      await symlink('/etc', join(root, 'real/etc'))
      await writeFile(join(root, 'file'), '')
      const found = async (path: string) => folderAt(root, path)
      assert.equal(await found('real/inner'), 'folder')
      assert.equal(await found('link'), 'other')
      assert.equal(await found('link/inner'), 'other')
      assert.equal(await found('real/etc'), 'other')
      assert.equal(await found('file'), 'other')
      assert.equal(await found('real/none/deeper'), 'nothing')
    } finally {
      await rm(root, { recursive: true, force: true })
    }
  })
})
