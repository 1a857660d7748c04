import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { changeConfig, checkNames, describeChange } from '../../../../controller/api/config.ts'
import { changeFormation } from '../../../../controller/api/formation.ts'
import { appUrl } from '../../../../controller/api/context.ts'
import { toBerthError } from '../../../../controller/api/errors.ts'
import { friendlyName } from '../../../../controller/api/names.ts'
import { releaseStatus } from '../../../../controller/api/views.ts'
import { parseAppName, type App } from '#core/domain/app.ts'
import { defaultResources } from '#core/domain/resources.ts'

describe('a change of config', () => {
  it('sets, replaces and removes by name', () => {
    assert.deepEqual(changeConfig({ A: '1', B: '2' }, { A: '3', B: null, C: '' }), { A: '3', C: '' })
    assert.deepEqual(changeConfig({}, { toString: 'x' }), { toString: 'x' })
  })

  it('is described by names, never by values', () => {
    assert.equal(describeChange({ GREETING: 'hi' }), 'Set GREETING')
    assert.equal(describeChange({ X: null }), 'Remove X')
    assert.equal(describeChange({ A: '1', B: '2', C: null }), 'Set A, B; remove C')
  })

  it('cannot carry a NUL into an environment', () => {
    assert.throws(() => checkNames({ A: 'a\0b' }), /The value of A holds a NUL/)
  })
})

describe('a change of the formation', () => {
  it('keeps what it does not name, and starts from nothing', () => {
    const size = { ...defaultResources, memoryMb: 64 }
    assert.deepEqual(changeFormation({}, { web: { memoryMb: 64 } } as never, null, defaultResources), {
      web: { count: 0, size },
    })
    assert.deepEqual(
      changeFormation({ web: { count: 3, size } } as never, { worker: { count: 1 } } as never, null, defaultResources),
      {
        web: { count: 3, size },
        worker: { count: 1, size: defaultResources },
      },
    )
  })
})

describe('what the API says', () => {
  it('leaves out port 80', () => {
    assert.equal(appUrl({ domain: 'example.com', httpPort: 80 }, 'shop'), 'http://shop.example.com/')
    assert.equal(appUrl({ domain: 'localhost', httpPort: 8080 }, 'shop'), 'http://shop.localhost:8080/')
  })

  it('has names for apps that the grammar takes', () => {
    for (let i = 0; i < 200; i++) parseAppName(friendlyName(randomBytes))
  })

  it('calls a Redis that is away unavailable, and any other surprise internal', () => {
    const codes = [
      Object.assign(new Error('x'), { name: 'MaxRetriesPerRequestError' }),
      new Error('Connection is closed.'),
      new Error('Command timed out'),
      new Error('OOM command not allowed'),
      new Error('READONLY You cannot write'),
    ]
    for (const error of codes) assert.equal(toBerthError(error).code, 'UNAVAILABLE', error.message)
    for (const error of [new Error('secret /path'), 'text', null]) {
      assert.equal(toBerthError(error).code, 'INTERNAL')
      assert.doesNotMatch(toBerthError(error).message, /secret/)
    }
  })

  it('tells what became of a release', () => {
    const at = (release: number) => ({ release, generation: 0, since: 0 })
    const app = (part: Partial<App>) => ({ current: null, target: null, rollout: null, ...part }) as App
    assert.equal(releaseStatus(app({ target: at(1) }), 1, null), 'rolling')
    assert.equal(releaseStatus(app({ current: at(1), target: at(2) }), 1, null), 'live')
    const failed = { target: at(2), state: 'failed' as const, at: 0, reason: '' }
    assert.equal(releaseStatus(app({ current: at(1), target: at(2), rollout: failed }), 2, null), 'failed')
    assert.equal(releaseStatus(app({ current: at(3), target: at(3) }), 2, { state: 'failed' } as never), 'failed')
    assert.equal(
      releaseStatus(app({ current: at(3), target: at(3) }), 2, { state: 'succeeded' } as never),
      'superseded',
    )
  })
})
