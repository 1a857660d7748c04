import assert from 'node:assert/strict'
import { CliError } from '../../../cli/failures.ts'
import { routingFrom } from '../../../cli/routing-options.ts'

describe('the options of routing:set', () => {
  it('become what the API takes, and what is not named is left out', () => {
    assert.deepEqual(routingFrom({}), {})
    assert.deepEqual(
      routingFrom({
        bodyLimit: '10M',
        firstByteTimeout: '30s',
        idleTimeout: '5m',
        concurrency: '50:100',
        sticky: 'on',
        protocol: 'h2c',
        forceHttps: 'off',
      }),
      {
        bodyLimitBytes: 10 * 1024 ** 2,
        firstByteMs: 30_000,
        idleMs: 300_000,
        concurrency: { soft: 50, hard: 100 },
        sticky: true,
        protocol: 'h2c',
        forceHttps: false,
      },
    )
    assert.deepEqual(
      routingFrom({ bodyLimit: 'none', concurrency: 'none', firstByteTimeout: '500ms', idleTimeout: '90' }),
      {
        bodyLimitBytes: null,
        concurrency: null,
        firstByteMs: 500,
        idleMs: 90_000,
      },
    )
    assert.equal(routingFrom({ bodyLimit: '1.5k' }).bodyLimitBytes, 1536)
  })

  it('are refused with the grammar when they are not understood', () => {
    for (const options of [
      { bodyLimit: '10 apples' },
      { bodyLimit: '-1' },
      { firstByteTimeout: 'soon' },
      { idleTimeout: '5 m' },
      { concurrency: '50' },
      { concurrency: '50:' },
      { sticky: 'yes' },
      { protocol: 'http2' },
      { forceHttps: 'true' },
    ])
      assert.throws(() => routingFrom(options), CliError, JSON.stringify(options))
  })
})
