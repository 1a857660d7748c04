import assert from 'node:assert/strict'
import fc from 'fast-check'
import { BerthError } from '#core/domain/errors.ts'
import { parsePublicKey } from '#core/domain/ssh-key.ts'
import { archiveLength, end, header, padding, type Entry } from '#core/domain/archive.ts'
import { parseRequest } from '../../controller/git/hook.ts'
import { judgePush } from '../../controller/git/policy.ts'
import { judgeFirstBlock, TAR_BLOCK } from '../../controller/git/tar-head.ts'
import { parseCommand } from '../../controller/ssh/exec.ts'
import { addressGroup, createGuard } from '../../controller/ssh/guard.ts'

const hex = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 40, maxLength: 40 })
const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOK3v2q7c9Gf2WHfHd+0P1FVSP5YC8cb3GHgCb5cI73+ me'

describe('what git and its clients say', () => {
  it('is read as the hook sent it, and never deploys what is not the deploying branch', () => {
    const ref = fc.oneof(fc.constantFrom('refs/heads/main', 'refs/heads/x', 'refs/tags/v1'), fc.string())
    fc.assert(
      fc.property(fc.array(fc.tuple(hex, hex, ref)), fc.string(), (changes, objects) => {
        const lines = changes.map((change) => change.join(' ').replace(/\n/g, ''))
        const folder = objects.replace(/\n/g, '')
        const request = parseRequest(['objects ' + folder, ...lines, 'end', ''].join('\n'))
        assert.deepEqual(request, { objects: folder, changes: lines })
        const verdict = judgePush(request.changes, 'main')
        if (verdict.taken && verdict.deploy) assert.equal(verdict.deploy.ref, 'refs/heads/main')
      }),
    )
  })

  it('names one of two services and an app, or is nothing', () => {
    const name = fc.string({ unit: fc.constantFrom(...'abz09-'), minLength: 1, maxLength: 63 })
    const service = fc.constantFrom('upload-pack', 'receive-pack')
    fc.assert(
      fc.property(name, service, fc.constantFrom('', '/'), (app, verb, slash) => {
        assert.deepEqual(parseCommand(`git-${verb} '${slash}${app}.git'`), { service: `git-${verb}`, app })
      }),
    )
    const hostile = fc.oneof(
      fc.string(),
      fc.tuple(service, fc.string()).map(([verb, rest]) => `git-${verb} ${rest}`),
      fc.tuple(service, fc.string()).map(([verb, rest]) => `git-${verb} '${rest}'`),
      fc.string({ minLength: 1 }).map((tail) => `git-upload-pack 'a.git'${tail}`),
    )
    fc.assert(
      fc.property(hostile, (command) => {
        const asked = parseCommand(command)
        if (asked) assert.match(`${asked.service} ${asked.app}`, /^git-(upload|receive)-pack [a-z0-9-]{1,63}$/)
      }),
      { numRuns: 2_000 },
    )
  })

  it('is an SSH key or is refused with a sentence, whatever it is', () => {
    const mutated = fc
      .tuple(fc.nat(key.length - 1), fc.string({ minLength: 1, maxLength: 4 }))
      .map(([at, text]) => key.slice(0, at) + text + key.slice(at + text.length))
    const made = fc
      .tuple(
        fc.constantFrom('ssh-rsa', 'ssh-ed25519', 'ecdsa-sha2-nistp256', 'ssh-dss'),
        fc.uint8Array({ maxLength: 300 }),
      )
      .map(([type, bytes]) => `${type} ${Buffer.from(bytes).toString('base64')}`)
    fc.assert(
      fc.property(fc.oneof(fc.string(), mutated, made), (text) => {
        try {
          const { bits, blob, comment } = parsePublicKey(text)
          assert.ok(bits >= 256 && blob.length > 40 && !/\p{Cc}/u.test(comment))
        } catch (error) {
          assert.ok(error instanceof BerthError && error.code === 'SSH_KEY_REFUSED', String(error))
        }
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('an upload', () => {
  const entry: fc.Arbitrary<Entry> = fc.record({
    path: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 300 }).filter((path) => !path.includes('\0')),
    kind: fc.constantFrom('file', 'folder', 'link'),
    size: fc.nat(20 * 1024 ** 3),
    isExecutable: fc.boolean(),
    target: fc.string({ maxLength: 200 }),
  })

  it('is as long as was said, and begins as an archive does', () => {
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        let length = end().length
        for (const one of entries) {
          const head = header(one)
          assert.equal(head.length % TAR_BLOCK, 0)
          assert.equal(judgeFirstBlock(head.subarray(0, TAR_BLOCK)), null)
          assert.equal(judgeFirstBlock(head.subarray(-TAR_BLOCK)), null)
          length += head.length + one.size + padding(one.size)
        }
        assert.equal(archiveLength(entries), length)
      }),
    )
  })

  it('that begins otherwise is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: TAR_BLOCK, maxLength: TAR_BLOCK }), (block) => {
        assert.equal(typeof judgeFirstBlock(block), 'string')
      }),
    )
    assert.match(judgeFirstBlock(new Uint8Array(TAR_BLOCK)) ?? '', /holds no files/)
  })
})

describe('the guard of the SSH door', () => {
  const limits = { total: 5, perAddress: 2, failures: 3, forgetAfterMs: 1000 }

  it('never lets in more than its limits, whoever comes and goes', () => {
    const step = fc.record({ address: fc.constantFrom('a', 'b', 'c', 'd'), enters: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const guard = createGuard(limits)
        const inside: string[] = []
        for (const { address, enters } of steps) {
          if (enters && guard.enter(address, 0) === null) inside.push(address)
          const at = inside.indexOf(address)
          if (!enters && at >= 0) {
            guard.leave(address)
            inside.splice(at, 1)
          }
          assert.ok(inside.length <= limits.total)
          assert.ok(inside.filter((one) => one === address).length <= limits.perAddress)
        }
      }),
    )
  })

  it('keeps out who fails too often, for a while', () => {
    const guard = createGuard(limits)
    for (let i = 0; i < 3; i++) guard.failed('a', i)
    assert.equal(guard.enter('a', 500), 'failedTooOften')
    assert.equal(guard.enter('b', 500), null)
    assert.equal(guard.enter('a', 1001), null)
  })

  it('counts an IPv6 network as one', () => {
    assert.equal(addressGroup('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2')
    assert.equal(addressGroup('2001:db8::6'), '2001:db8:0:0')
    assert.equal(addressGroup('::ffff:192.0.2.1'), '192.0.2.1')
    assert.equal(addressGroup('::1'), '0:0:0:0')
  })
})
