import assert from 'node:assert/strict'
import { operations } from '#core/contract/operations/index.ts'
import { read } from '../../../cli/grammar.ts'
import { nearest } from '../../../cli/nearest.ts'
import { commands } from '../../../cli/tables/index.ts'

const specs = [
  { name: 'config' },
  { name: 'config:set', args: '<pairs...>' },
  { name: 'config:get', args: '<key>' },
  { name: 'destroy', aliases: ['apps:destroy'], args: '[app]' },
  { name: 'builds:cache:purge' },
  { name: 'access:users:add', args: '<name>' },
  { name: 'git:remote' },
  { name: 'git:credentials', hidden: true },
]

const readAs = (...argv: string[]) => {
  const reading = read(argv, specs)
  if (reading.kind === 'command') return [reading.spec.name, ...reading.args]
  return reading.kind === 'topic' ? { topic: reading.topic } : { unknown: reading.typed, near: reading.near }
}

describe('The words that name a command', () => {
  it('are joined by colons or by spaces, on every level, and may be an alias', () => {
    assert.deepEqual(readAs('config', 'set', 'A=1'), ['config:set', 'A=1'])
    assert.deepEqual(readAs('config:set', 'A=1'), ['config:set', 'A=1'])
    assert.deepEqual(readAs('apps', 'destroy', 'hello'), ['destroy', 'hello'])
    assert.deepEqual(readAs('builds', 'cache', 'purge', '-a', 'x'), ['builds:cache:purge', '-a', 'x'])
    assert.deepEqual(readAs('builds:cache', 'purge'), ['builds:cache:purge'])
    assert.deepEqual(readAs('access', 'users:add', 'ann'), ['access:users:add', 'ann'])
  })

  it('end where the arguments begin', () => {
    assert.deepEqual(readAs('destroy', 'config', 'set'), ['destroy', 'config', 'set'])
    assert.deepEqual(readAs('config:set', 'get', '--json'), ['config:set', 'get', '--json'])
    assert.deepEqual(readAs('config', '--json'), ['config', '--json'])
    assert.deepEqual(readAs('config', '-a', 'set'), ['config', '-a', 'set'])
  })

  it('are a topic where no command has that name', () => {
    assert.deepEqual(readAs('git'), { topic: 'git' })
    assert.deepEqual(readAs('builds', 'cache', '--help'), { topic: 'builds:cache' })
    assert.deepEqual(readAs('access', 'users'), { topic: 'access:users' })
  })

  it('are met with what was meant, within the topic first, and never with what is hidden', () => {
    assert.deepEqual(readAs('config', 'st', 'A=1'), { unknown: 'config:st', near: ['config:set'] })
    assert.deepEqual(readAs('confg:set', 'A=1'), { unknown: 'confg:set', near: ['config:set'] })
    assert.deepEqual(readAs('git', 'credential'), { unknown: 'git:credential', near: [] })
    assert.deepEqual(readAs('hlep'), { unknown: 'hlep', near: ['help'] })
    assert.deepEqual(readAs('qqqqq'), { unknown: 'qqqqq', near: [] })
  })
})

describe('The nearest of known names', () => {
  it('is a slip of the finger away, or begins with what was typed', () => {
    assert.deepEqual(nearest('shpo', ['shop', 'ship', 'other']), ['shop'])
    assert.deepEqual(nearest('shop', ['shop-staging', 'drop']), ['shop-staging'])
    assert.deepEqual(nearest('a', ['bcdef']), [])
  })
})

describe('The command table', () => {
  it('names each command and each alias once', () => {
    const names = commands.flatMap(({ name, aliases = [] }) => [name, ...aliases])
    assert.deepEqual(
      names.filter((name, index) => names.indexOf(name) !== index),
      [],
    )
  })

  it('keeps what is of one topic in one group, apart from what is for operators', () => {
    const groups = new Map<string, Set<string>>()
    for (const { name, group } of commands.filter((spec) => spec.group !== 'Operators')) {
      const [topic = ''] = name.split(':')
      groups.set(topic, (groups.get(topic) ?? new Set()).add(group))
    }
    assert.deepEqual(
      [...groups].filter(([, found]) => found.size > 1).map(([topic, found]) => [topic, ...found]),
      [],
    )
  })

  it('declares known operations alone, each once', () => {
    for (const { name, uses = [] } of commands) {
      assert.deepEqual(uses, [...new Set(uses)], name)
      assert.deepEqual(
        uses.filter((operation) => !(operation in operations)),
        [],
        name,
      )
    }
  })

  it('gives each command an example that the grammar reads as that command', () => {
    for (const spec of commands) {
      assert.ok(spec.examples.length > 0, spec.name)
      for (const example of spec.examples) {
        const reading = read(example.split(' '), commands)
        assert.equal(reading.kind === 'command' && reading.spec.name, spec.name, example)
      }
    }
  })

  it('says in an imperative, without a full stop, what each command does', () => {
    for (const { name, summary } of commands) assert.match(summary, /^[A-Z].*[^.]$/, name)
  })
})
