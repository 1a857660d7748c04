import assert from 'node:assert/strict'
import { chooseVersion } from '../../../agent/runtimes/npm.ts'

describe('Choosing a runtime’s version', () => {
  const published = ['18.20.8', '20.19.5', '22.22.2', '22.22.3', '24.11.0', '24.12.1', '25.2.0', '26.10.0']
  const cases: { range: string; chosen: string | null; why: string }[] = [
    { range: '22', chosen: '22.22.3', why: 'the newest of a line' },
    { range: '22.x', chosen: '22.22.3', why: 'the newest of a line' },
    { range: 'v20', chosen: '20.19.5', why: 'as .nvmrc files write it' },
    { range: '^20.1', chosen: '20.19.5', why: 'a caret range' },
    { range: '22.22.2', chosen: '22.22.2', why: 'an exact version' },
    { range: '>=18', chosen: '24.12.1', why: 'the long-term support line, where the range is open' },
    { range: '*', chosen: '24.12.1', why: 'the same' },
    { range: '', chosen: '24.12.1', why: 'no wish' },
    { range: 'lts/*', chosen: '24.12.1', why: 'long-term support by name' },
    { range: 'lts/jod', chosen: '22.22.3', why: 'a line by its name' },
    { range: '>=25', chosen: '26.10.0', why: 'the newest, where the range excludes the long-term support line' },
    { range: '99', chosen: null, why: 'nothing like it is published' },
    { range: 'nonsense; rm -rf', chosen: null, why: 'it is no range' },
  ]
  for (const { range, chosen, why } of cases) {
    it(`${JSON.stringify(range)} is ${chosen ?? 'nothing'}: ${why}`, () => {
      assert.equal(chooseVersion('node', range, published), chosen)
    })
  }

  it('takes npm’s newest', () => {
    assert.equal(chooseVersion('npm', '>=10', ['10.9.4', '11.1.0']), '11.1.0')
  })
})
