import assert from 'node:assert/strict'
import { readConfig } from '#core/runtime/config.ts'
import { runtimePath } from '../../../agent/host.ts'

describe('The OCI runtime of a host', () => {
  const setting = (value?: string) => readConfig(value === undefined ? {} : { BERTH_OCI_RUNTIME: value }).ociRuntime

  it('is crun, or what the operator names, by name or by path', () => {
    assert.equal(setting(), 'crun')
    assert.equal(setting('runc'), 'runc')
    assert.equal(setting('/opt/gvisor/runsc'), '/opt/gvisor/runsc')
  })

  it('is refused by name and value when it is neither', () => {
    for (const value of ['bin/crun', '../crun', 'crun --debug', '-x', '/', 'a\nb'])
      assert.throws(
        () => setting(value),
        { code: 'BAD_SETTING', message: /^BERTH_OCI_RUNTIME must be .*, got / },
        value,
      )
  })

  it('is refused by name and value when it is not installed', async () => {
    assert.equal(await runtimePath('/bin/sh'), '/bin/sh')
    assert.match(await runtimePath('sh'), /^\/.*\/sh$/)
    for (const value of ['no-such-runtime', '/no/such/runtime'])
      await assert.rejects(runtimePath(value), {
        code: 'BAD_SETTING',
        message: `BERTH_OCI_RUNTIME must be an OCI runtime that is installed on this host, got "${value}".`,
      })
  })
})
