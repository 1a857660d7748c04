import assert from 'node:assert/strict'
import { runtimePath } from '../../agent/host.ts'
import { gather, type Evidence } from './evidence.ts'
import { checks } from './sandbox.ts'

/** crun is the default; the others are a setting away (BERTH_OCI_RUNTIME). */
const runtimes = ['crun', 'runc', 'runsc']

for (const runtime of runtimes) {
  const path = await runtimePath(runtime).catch(() => null)
  if (path === null) {
    describe(`In a sandbox made by ${runtime}`, () => {
      it(`is not shown: ${runtime} is not installed on this machine`, () => {
        assert.ok(runtime === 'runsc', `${runtime} should be installed: run npm test, which sees to that`)
      })
    })
    continue
  }
  describe(`In a sandbox made by ${runtime}`, () => {
    let evidence: Evidence
    before(async function () {
      this.timeout(180_000)
      evidence = await gather(runtime)
    })
    for (const check of checks) it(`${check.id}: ${check.promise}`, () => check.holds(evidence))
  })
}
