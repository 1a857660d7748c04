import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  chain,
  changesBetween,
  clean,
  createVerifier,
  GENESIS,
  namesChanged,
  tally,
  type AuditFacts,
} from '#core/domain/audit.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const facts = (operation: string): AuditFacts => ({
  operation,
  requestId: 'r',
  actor: { kind: 'operator', name: 'operator', tokenId: null, userId: null },
  tenant: null,
  app: null,
  target: {},
  asked: [],
  changes: [],
  from: { address: '127.0.0.1', agent: '' },
  result: { status: 200, code: null },
  unrecorded: 0,
})

function aChain(length: number) {
  const lines: string[] = []
  const heads = [GENESIS]
  for (let index = 0; index < length; index++) {
    const next = chain(facts(`POST /thing-${index}`), index, heads.at(-1) ?? GENESIS, sha256)
    lines.push(next.line)
    heads.push(next.head)
  }
  return { lines, heads, head: heads.at(-1) ?? GENESIS }
}

function verify(lines: string[], expected?: typeof GENESIS, known?: typeof GENESIS) {
  const verifier = createVerifier(sha256, known)
  lines.forEach((line) => verifier.take(line))
  return verifier.end(expected)
}

describe('the chain of the audit log', () => {
  it('is whole as it was written, and so is any stretch of it', () => {
    const { lines, head } = aChain(20)
    assert.deepEqual(verify(lines, head), { whole: true, entries: 20, first: 1, head })
    assert.deepEqual(verify(lines.slice(7), head), { whole: true, entries: 13, first: 8, head })
    assert.deepEqual(verify([], GENESIS), { whole: true, entries: 0, first: null, head: GENESIS })
  })

  it('gives away an entry that was changed, removed, put in, or moved, and an end that was cut off', () => {
    const { lines, head } = aChain(10)
    const changed = lines.with(4, (lines[4] ?? '').replace('operator', 'somebody'))
    assert.deepEqual(verify(changed, head), {
      whole: false,
      at: 5,
      why: 'it was changed: entry 6 knows it by another hash',
    })
    for (const forged of [
      lines.toSpliced(4, 1),
      lines.toSpliced(4, 0, lines[4] ?? ''),
      [...lines.slice(0, 4), lines[5] ?? '', lines[4] ?? '', ...lines.slice(6)],
      lines.slice(0, -1),
      lines.with(9, (lines[9] ?? '').replace('200', '403')),
      lines.with(3, 'no entry'),
    ])
      assert.equal(verify(forged, head).whole, false)
  })

  it('gives away a chain that was written anew, to whoever knows one head of the old one', () => {
    const { lines, heads } = aChain(10)
    const other = chain(facts('POST /forged'), 0, GENESIS, sha256)
    assert.equal(verify([other.line], other.head).whole, true)
    assert.equal(verify([other.line], other.head, heads[1]).whole, false)
    assert.equal(verify([other.line], other.head, heads[5]).whole, false)
    assert.equal(verify(lines, undefined, heads[5]).whole, true)
    assert.equal(verify(lines.slice(5), undefined, heads[5]).whole, true)
    assert.equal(verify(lines.slice(7), undefined, heads[5]).whole, false)
  })
})

describe('what the audit log shows', () => {
  it('C14 names config vars and never shows what they are', () => {
    assert.deepEqual(namesChanged({ A: 'x', B: 'y', C: 'z' }, { A: 'x', B: 'other', D: 'new' }), {
      B: 'changed',
      C: 'removed',
      D: 'added',
    })
  })

  it('shows fields before and after, veils what is secret by its name, and cuts what is long', () => {
    assert.deepEqual(changesBetween({ same: 1, plan: 'small' }, { same: 1, plan: 'big' }), [
      { field: 'plan', before: 'small', after: 'big' },
    ])
    const [made] = changesBetween(null, { login: { clientSecret: 'hidden', issuer: 'https://me:pass@id.example' } })
    assert.deepEqual(made?.after, { clientSecret: '[secret]', issuer: 'https://[secret]@id.example' })
    const [long] = changesBetween(null, { list: Array.from({ length: 500 }, (_, n) => n) })
    assert.match(String(long?.after), /^\[0,1,2.*… \(\d+ characters\)$/)
  })

  it('C13 C14 keeps what a stranger says on one line, short, and without tokens', () => {
    assert.equal(clean('curl\r\n{"seq":1}\u001b[2J\u202e'), 'curl\ufffd\ufffd{"seq":1}\ufffd[2J\ufffd')
    assert.equal(clean('x'.repeat(300)).length, 201)
    assert.equal(clean(`name berth_t-aaaaaaaaaaaaa_${'0'.repeat(64)}!`), 'name [token]!')
  })

  it('writes down so many refusals a minute of one caller, and counts the others', () => {
    let known: ReturnType<typeof tally>['next'] | undefined
    const said: (number | null)[] = []
    for (let n = 0; n < 40; n++) {
      const { next, unrecorded } = tally(known, 1000)
      known = next
      said.push(unrecorded)
    }
    assert.equal(said.filter((unrecorded) => unrecorded === null).length, 10)
    assert.equal(tally(known, 61_001).unrecorded, 10)
    assert.equal(tally(tally(known, 61_001).next, 61_002).unrecorded, 0)
  })
})
