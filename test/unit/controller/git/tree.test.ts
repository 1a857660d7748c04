import assert from 'node:assert/strict'
import { isPointer, judgeTree, warnings } from '../../../../controller/git/tree.ts'

const limits = { files: 3, bytes: 1000, depth: 4, pathBytes: 50 }
const object = 'a'.repeat(40)
const entry = (path: string, size: number | string = 1, mode = '100644') =>
  Buffer.from(`${mode} ${mode === '160000' ? 'commit' : 'blob'} ${object} ${String(size).padStart(7)}\t${path}`)
const judge = (...entries: Buffer[]) => {
  const judging = judgeTree(limits)
  return { judging, why: entries.map((one) => judging.take(one)).find((why) => why !== null) ?? null }
}

describe('G02 a commit’s tree', () => {
  it('is taken within its limits, and counted', () => {
    const { judging, why } = judge(entry('a'), entry('b/c', 200), entry('lib', '-', '160000'))
    assert.equal(why, null)
    assert.deepEqual([judging.tree.files, judging.tree.bytes, judging.tree.submodules], [3, 201, ['lib']])
  })

  it('is refused with its reason beyond them', () => {
    assert.match(judge(entry('a'), entry('b'), entry('c'), entry('d')).why ?? '', /more than 3 files/)
    assert.match(judge(entry('big.bin', 1001)).why ?? '', /longer than 0 MB together; "big.bin" alone has 1001 bytes/)
    assert.match(judge(entry('a/b/c/d/e')).why ?? '', /"a\/b\/c\/d\/e"… lies more than 4 folders deep/)
    assert.match(judge(entry('x'.repeat(51))).why ?? '', /longer than 50 bytes/)
    assert.match(judge(entry(`${'\n'}\x1b${'x'.repeat(51)}`)).why ?? '', /"\\n\\u001bxxx/)
  })

  it('G10 is said to hold submodules and LFS pointers, by their names', () => {
    const lines = warnings(['vendor/lib'], ['a.psd', 'b\n.psd', 'c', 'd', 'e', 'f'])
    assert.match(lines[0] ?? '', /vendor\/lib is a submodule: other repositories, whose files are not in this push/)
    assert.match(lines[2] ?? '', /a\.psd, "b\\n\.psd", c, d, e and 1 more are Git LFS pointers/)
    assert.deepEqual(warnings([], []), [])
  })

  it('G10 tells a pointer by what the specification says', () => {
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 12\n`
    assert.ok(isPointer(pointer))
    for (const other of [` ${pointer}`, pointer.replace('sha256', 'md5'), 'version 1', ''])
      assert.ok(!isPointer(other), other)
  })
})
