import assert from 'node:assert/strict'
import { commandFrom, parseSeconds, wishFrom } from '../../../cli/commands/run.ts'

describe('what `berth run` asks for', () => {
  it('one word is a line for the shell, several are arguments that arrive as they are', () => {
    assert.equal(commandFrom(['echo $HOME && ls']), 'echo $HOME && ls')
    assert.equal(commandFrom(['ls', '-la', '/app']), 'ls -la /app')
    assert.equal(commandFrom(['sh', '-c', 'echo "$HOME"; it’s']), `sh -c 'echo "$HOME"; it’s'`)
    assert.equal(commandFrom(['echo', "it's", '']), `echo 'it'\\''s' ''`)
  })

  it('times are seconds, or have a unit', () => {
    assert.deepEqual(['90', '90s', '15m', '2h', '1d'].map(parseSeconds), [90, 90, 900, 7200, 86_400])
    for (const wrong of ['', '0', '-1', '1.5h', 'soon']) assert.throws(() => parseSeconds(wrong), /--timeout must be/)
  })

  it('takes variables, a size and a type, and refuses what contradicts itself', () => {
    assert.deepEqual(wishFrom(['true'], { env: ['A=b', 'C='], memory: '1G', cpu: '0.5', type: 'web' }, false), {
      command: 'true',
      env: { A: 'b', C: '' },
      process: 'web',
      memoryMb: 1024,
      cpuMilli: 500,
    })
    assert.throws(() => wishFrom(['true'], { memory: '1G', size: '1G' }, false), /give one of them/)
    assert.throws(() => wishFrom([], {}, false), /Name a command/)
  })
})
