import assert from 'node:assert/strict'
import type { Diagnosis } from '#core/contract/doctor.ts'
import { aPerson, type Person } from './harness.ts'

describe('berth doctor', function () {
  this.timeout(30_000)
  let person: Person
  beforeEach(async () => {
    person = await aPerson({ BERTH_LOG_LEVEL: 'silent' }, { asProcess: true })
  })
  afterEach(() => person.leave())

  it('looks at this machine without a token or an API, and explains whatever is not fine', async () => {
    const ran = await person.berth(['doctor', '--json'])
    const { findings } = JSON.parse(ran.stdout) as Diagnosis
    const problems = findings.filter(({ verdict }) => verdict === 'problem')
    assert.equal(ran.code, problems.length > 0 ? 1 : 0, ran.stderr)
    for (const check of [
      'kernel age',
      'user namespaces',
      'cgroup mode',
      'crun',
      'nft',
      'kernel settings',
      'name servers',
    ])
      assert.ok(
        findings.some((finding) => finding.check === check),
        check,
      )
    for (const finding of findings) {
      assert.notEqual(finding.found, '')
      if (finding.verdict !== 'ok') assert.ok(finding.why !== '' && finding.remedy !== '', finding.check)
    }
  })

  it('ends with 1 and names the remedy when there is a problem', async () => {
    const ran = await person.berth(['doctor'], { env: { BERTH_CA_BUNDLE: '/nowhere/ca.crt' } })
    assert.equal(ran.code, 1)
    assert.match(ran.stdout, /^problem +certificate authorities +\/nowhere\/ca\.crt is not there$/m)
    assert.match(ran.stdout, /^ {4}> apt-get install ca-certificates, or set BERTH_CA_BUNDLE$/m)
    assert.match(ran.stderr, /^This machine is not fit to be a host: \d+ problems\./)
  })

  it('says which setting is wrong', async () => {
    const ran = await person.berth(['doctor'], { env: { BERTH_API_PORT: '80a' } })
    assert.equal(ran.code, 1)
    assert.match(ran.stderr, /BERTH_API_PORT must be a port number.*"80a"/)
  })
})
