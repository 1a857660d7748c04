import assert from 'node:assert/strict'
import { joinTopic } from '../../../cli/program.ts'

const specs = [{ name: 'config' }, { name: 'config:set' }, { name: 'destroy', aliases: ['apps:destroy'] }]

describe('The space form of commands', () => {
  it('means the colon form where there is such a command', () => {
    assert.deepEqual(joinTopic(['config', 'set', 'A=1'], specs), ['config:set', 'A=1'])
    assert.deepEqual(joinTopic(['apps', 'destroy', 'hello'], specs), ['apps:destroy', 'hello'])
    assert.deepEqual(joinTopic(['help', 'config', 'set'], specs), ['help', 'config:set'])
  })

  it('leaves everything else as it was typed', () => {
    for (const argv of [[], ['config'], ['config', '--json'], ['config:set', 'set'], ['destroy', 'config', 'set']])
      assert.deepEqual(joinTopic(argv, specs), argv)
  })
})
