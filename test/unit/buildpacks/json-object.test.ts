import assert from 'node:assert/strict'
import fc from 'fast-check'
import { lineOf, parseJsonObject, withoutComments } from '#buildpacks/json-object.ts'
import { JsonFault, readJson } from '#buildpacks/json.ts'

const refused = (message: string) => ({ name: 'BuildFailure', exitCode: 12, message })

describe('JSON that people wrote', () => {
  const faults: [string, string][] = [
    ['{"name": "x",}', 'line 1, column 14: a comma too many before "}"'],
    ['{\n  "a": 1\n  "b": 2\n}', 'line 3, column 3: a string instead of "," or "}"'],
    ['{\n  "a" 1 }', 'line 2, column 7: "1" instead of ":"'],
    ['{"a": [1, 2,]}', 'line 1, column 13: a comma too many before "]"'],
    ["{'a': 1}", 'line 1, column 2: a single quote: JSON has double quotes only'],
    ['{a: 1}', 'line 1, column 2: "a" instead of a name in double quotes'],
    ['{"a": "x\ny"}', 'line 1, column 7: a string that is not closed in its line, or holds a wrong escape'],
    ['{"a": 1 // why\n}', 'line 1, column 9: a comment, which JSON does not have'],
    ['{"a": undefined}', 'line 1, column 7: "u" instead of a value'],
    ['{"a": 1', 'line 1, column 8: the text ends where "," or "}" should follow'],
    ['{"a":', 'line 1, column 6: the text ends where a value should follow'],
    ['', 'line 1, column 1: the text ends where a value should follow'],
    ['{} {}', 'line 1, column 4: "{" follows after the end'],
    ['<<<<<<< HEAD\n{}', 'line 1, column 1: "<" instead of a value'],
  ]
  for (const [text, where] of faults)
    it(`is refused with its place: ${JSON.stringify(text)}`, () =>
      assert.throws(
        () => parseJsonObject('package.json', text),
        refused(`package.json is not valid JSON in ${where}. Correct it and push again.`),
      ))

  it('has a fault exactly when JSON.parse finds one', () => {
    const cut = fc.tuple(fc.json(), fc.nat(), fc.constantFrom('', ',', '}', '"', ':', '0', 'x', '\\'))
    fc.assert(
      fc.property(cut, ([json, place, inserted]) => {
        const at = place % (json.length + 1)
        for (const text of [json, json.slice(0, at), json.slice(0, at) + inserted + json.slice(at)])
          assert.equal(isRead(text), isJson(text), text)
      }),
    )
  })

  it('has an object at its top', () => {
    for (const text of ['[]', 'null', '7', '"x"'])
      assert.throws(
        () => parseJsonObject('app.json', text),
        refused('app.json must hold a JSON object. Correct it and push again.'),
      )
  })

  it('may have comments and a last comma where its kind allows them, and places stay', () => {
    const text = '{\n  // ours\n  "url": "http://x/*no*/", /* a\n  b */\n  "list": [1, 2,],\n}'
    assert.deepEqual(parseJsonObject('deno.json', text, 'jsonc'), { url: 'http://x/*no*/', list: [1, 2] })
    assert.equal(withoutComments(text).length, text.length)
    assert.throws(() => parseJsonObject('deno.json', '{ // a\n  "b" 1 }', 'jsonc'), /line 2, column 7/)
  })

  it('tells in which line a field stands', () => {
    const text = '{\n  "a": 1,\n  "headers": {\n    "a": 2\n  }\n}'
    assert.equal(lineOf(text, ['a']), 2)
    assert.equal(lineOf(text, ['headers', 'a']), 4)
    assert.equal(lineOf(text, ['gone']), null)
    assert.equal(lineOf(text, ['a', 'b']), null)
    assert.equal(lineOf('{"b": "a",\n"a": 1}', ['a']), 2)
  })
})

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function isRead(text: string): boolean {
  try {
    readJson(text, 'last')
    return true
  } catch (error) {
    assert.ok(error instanceof JsonFault)
    return false
  }
}
