import assert from 'node:assert/strict'
import { programOf, refusal } from '#buildpacks/program.ts'

const elf = (machine: number, rest = '') => {
  const head = Buffer.alloc(64)
  head.write('\x7fELF', 'latin1')
  head[4] = 2
  head[5] = 1
  head.writeUInt16LE(machine, 18)
  return Buffer.concat([head, Buffer.from(rest, 'latin1')])
}

describe('The program of a Procfile’s command', () => {
  it('is a file of the app, if the command begins with one', () => {
    assert.equal(programOf('./serve --port $PORT'), 'serve')
    assert.equal(programOf('exec bin/web'), 'bin/web')
    assert.equal(programOf('/app/bin/web'), 'bin/web')
    for (const command of ['node server.js', 'cd x && ./y', '/usr/bin/env x', '$BIN/x', '../x', './a/../../x'])
      assert.equal(programOf(command), null, command)
  })

  it('runs when it is of this architecture, or a script', () => {
    assert.equal(refusal('serve', elf(62), true, 'x64'), null)
    assert.equal(refusal('serve', elf(183), true, 'arm64'), null)
    assert.equal(refusal('serve', Buffer.from('#!/bin/sh\nexec true\n'), true, 'x64'), null)
  })

  it('is refused with what it is and what to do, before anything says "Exec format error"', () => {
    assert.match(
      refusal('serve', elf(183), true, 'x64') ?? '',
      /a program for ARM64; this host runs Linux on x86-64.*GOARCH=amd64/,
    )
    assert.match(refusal('serve', elf(62), true, 'arm64') ?? '', /a program for x86-64; .*GOARCH=arm64/)
    assert.match(refusal('serve', Buffer.from('cffaedfe'.padEnd(80, '0'), 'hex'), true, 'x64') ?? '', /for macOS/)
    assert.match(refusal('serve', Buffer.from('MZ'.padEnd(64, '\0'), 'latin1'), true, 'x64') ?? '', /for Windows/)
    assert.match(refusal('serve', elf(62, '/lib/ld-musl-x86_64.so.1'), true, 'x64') ?? '', /linked against musl/)
  })

  it('is refused without its executable bit, with the command that sets it', () => {
    assert.match(refusal('bin/serve', elf(62), false, 'x64') ?? '', /git update-index --chmod=\+x bin\/serve/)
  })
})
