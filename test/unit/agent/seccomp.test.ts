import assert from 'node:assert/strict'
import fc from 'fast-check'
import { otherThan, seccompProfile, type Argument } from '../../../agent/sandbox/seccomp.ts'

const profile = seccompProfile('x64')
const rulesFor = (name: string) => profile.syscalls.filter(({ names }) => names.includes(name))
const holds = (args: bigint[], { index, value, valueTwo }: Argument) =>
  ((args[index] ?? 0n) & BigInt(value)) === BigInt(valueTwo)

/** What the profile answers to a call, and how many different answers its rules give: one, if they are sound. */
function answers(name: string, ...args: bigint[]): string[] {
  const matching = rulesFor(name).filter((rule) => (rule.args ?? []).every((argument) => holds(args, argument)))
  const said = matching.map(({ action, errnoRet }) => (action === 'SCMP_ACT_ALLOW' ? 'allow' : String(errnoRet)))
  return said.length === 0 ? ['38'] : [...new Set(said)]
}

describe('The system calls of a sandbox', () => {
  it('S10: answers io_uring and clone3 as if the kernel did not know them', () => {
    for (const name of ['io_uring_setup', 'io_uring_enter', 'io_uring_register', 'clone3'])
      assert.deepEqual(answers(name), ['38'], name)
    assert.equal(profile.defaultErrnoRet, 38)
  })

  it('S07, S08, S09: refuses the dangerous ones with EPERM', () => {
    const names =
      'ptrace process_vm_readv mount umount2 unshare setns pivot_root bpf perf_event_open keyctl userfaultfd'
    for (const name of [...names.split(' '), 'open_by_handle_at']) assert.deepEqual(answers(name), ['1'], name)
  })

  it('S06: makes processes and threads, but no namespace', () => {
    assert.deepEqual(answers('clone', 17n), ['allow'])
    // CLONE_VM | FS | FILES | SIGHAND | THREAD | SYSVSEM | SETTLS | PARENT_SETTID | CHILD_CLEARTID, as glibc has it
    assert.deepEqual(answers('clone', 0x3d0f00n), ['allow'])
    for (const flag of [0x20000n, 0x2000000n, 0x4000000n, 0x8000000n, 0x10000000n, 0x20000000n, 0x40000000n])
      assert.deepEqual(answers('clone', flag | 17n), ['1'], flag.toString(16))
  })

  it('S11, S13: opens sockets by what is listed, whatever is in the upper half of a register', () => {
    const stream = 1n | 0x80000n
    assert.deepEqual(answers('socket', 2n, stream, 6n), ['allow'])
    assert.deepEqual(answers('socket', 0xffffffff_00000002n, stream, 6n), ['allow'])
    assert.deepEqual(answers('socket', 38n, 5n, 0n), ['97'])
    assert.deepEqual(answers('socket', (1n << 32n) | 38n, 5n, 0n), ['97'])
    assert.deepEqual(answers('socket', 16n, 3n, 12n), ['93'])
    assert.deepEqual(answers('socket', 10n, 3n, 58n), ['1'])
    assert.deepEqual(answers('socket', 2n, 1n, 262n), ['93'])
    assert.deepEqual(answers('socketpair', 1n, 1n, 0n), ['allow'])
  })

  it('S14: makes pipes and sockets with names, but no device', () => {
    for (const mode of [0o010644n, 0o100644n, 0o140644n, 0o644n])
      assert.deepEqual(answers('mknod', 0n, mode), ['allow'])
    for (const mode of [0o020644n, 0o060644n, (1n << 32n) | 0o060644n])
      assert.deepEqual(answers('mknod', 0n, mode), ['1'])
    assert.deepEqual(answers('mknodat', 0n, 0n, 0o060644n), ['1'])
  })

  it('S15: allows every ioctl request but the two that type into a terminal', () => {
    for (const request of [0x5412n, 0x541cn, 0x1_0000_5412n, 0xffffffff_0000541cn])
      assert.deepEqual(answers('ioctl', 0n, request), ['1'], request.toString(16))
    for (const request of [0x5401n, 0x5413n, 0x541bn, 0x541dn, 0x5421n, 0x8004667en, 0x80045430n, 0n])
      assert.deepEqual(answers('ioctl', 0n, request), ['allow'], request.toString(16))
  })

  it('S16: allows five personalities and refuses every flag, alone or with others', () => {
    for (const persona of [0n, 8n, 0x20000n, 0x20008n, 0xffffffffn, 0xffffffff_ffffffffn])
      assert.deepEqual(answers('personality', persona), ['allow'], persona.toString(16))
    for (const persona of [0x400000n, 0x40000n, 0x440000n, 0x400008n])
      assert.deepEqual(answers('personality', persona), ['1'], persona.toString(16))
  })

  it('S12: knows the native architecture only', () => {
    assert.deepEqual(profile.architectures, ['SCMP_ARCH_X86_64'])
    assert.deepEqual(seccompProfile('arm64').architectures, ['SCMP_ARCH_AARCH64'])
  })

  it('never answers one call in two ways: libseccomp would take either', () => {
    const names = [...new Set(profile.syscalls.flatMap(({ names }) => names))]
    const interesting = fc.oneof(
      fc.bigInt({ min: 0n, max: 0x1ffn }),
      fc.bigInt({ min: 0n, max: 0xffffffffn }),
      fc.bigInt({ min: 0n, max: 0xffffffff_ffffffffn }),
      fc.constantFrom(0x5412n, 0x541cn, 0x20008n, 0xffffffffn, 0xf000n),
    )
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.array(interesting, { minLength: 3, maxLength: 3 }), (name, args) => {
        assert.equal(answers(name, ...args).length, 1, `${name} ${args.join(' ')}`)
      }),
      { numRuns: 2000 },
    )
    const withArguments = ['socket', 'socketpair', 'ioctl', 'personality', 'clone', 'mknod', 'mknodat']
    for (const name of withArguments) for (let n = 0n; n < 512n; n++) assert.equal(answers(name, n, n, n).length, 1)
  })
})

describe('Everything but some numbers, as patterns of bits', () => {
  it('is matched by exactly one pattern, and those numbers by none', () => {
    const number = fc.integer({ min: 0, max: 0xffff })
    fc.assert(
      fc.property(fc.uniqueArray(number, { minLength: 1, maxLength: 5 }), number, (values, tried) => {
        const matching = otherThan(0, values, 16).filter((argument) => holds([BigInt(tried)], argument))
        assert.equal(matching.length, values.includes(tried) ? 0 : 1)
      }),
    )
  })
})
