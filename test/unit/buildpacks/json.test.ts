import assert from 'node:assert/strict'
import fc from 'fast-check'
import { JsonFault, placeOf, plainOf, readJson } from '#buildpacks/json.ts'

describe('JSON that remembers where everything stands', () => {
  it('reads what JSON.parse reads, as the same', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(0, 2, '\t'), (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        assert.deepEqual(plainOf(readJson(text)), JSON.parse(text))
      }),
      { numRuns: 300 },
    )
  })

  it('refuses what JSON.parse refuses', () => {
    const whole = '{"a": [1, -2.5e3, "x\\n\\u00e9", true, null, {}], "b": ""}'
    for (let cut = 0; cut < whole.length; cut++)
      assert.throws(() => readJson(whole.slice(0, cut)), JsonFault, whole.slice(0, cut))
    for (const text of [
      "{'a': 1}",
      '{a: 1}',
      '[1,]',
      '{"a":1,}',
      '01',
      '1.',
      '+1',
      'NaN',
      '"\t"',
      '"\\x"',
      '[1] 2',
      'tru',
      '"a\nb"',
    ])
      assert.throws(() => readJson(text), JsonFault, text)
  })

  it('refuses a name that is there twice, since one of the two would be lost', () => {
    assert.throws(() => readJson('{"env": {}, "env": {}}'), /the name "env" is there twice/)
    assert.deepEqual(plainOf(readJson('{"env": 1, "env": {}}', 'last')), { env: {} })
  })

  it('ends early on what is nested without end', () => {
    assert.throws(() => readJson('['.repeat(100_000)), /nested more than 100 levels/)
  })

  it('counts lines and columns as editors do', () => {
    const text = '{\n  "a": 1,\n  "b": ?\n}'
    try {
      readJson(text)
      assert.fail('it was read')
    } catch (error) {
      assert.ok(error instanceof JsonFault)
      assert.deepEqual(placeOf(text, error.at), { line: 3, column: 8 })
      assert.match(error.message, /"\?" instead of a value/)
    }
  })
})
