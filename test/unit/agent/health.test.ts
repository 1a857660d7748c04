import assert from 'node:assert/strict'
import { defaultHealthCheck } from '#core/domain/health-check.ts'
import { diagnoseExit, diagnoseRun, diagnoseSilence, isReady } from '../../../agent/health/health.ts'

const check = defaultHealthCheck(true)
const silence = {
  check,
  port: 5000,
  listening: [] as number[],
  last: { kind: 'refused' as const },
  lastOutput: ['booting'],
}
const answered = (status: number, body = '') => ({ kind: 'answered' as const, status, body })

describe('Readiness', () => {
  it('takes any answer below 500 for ready', () => {
    for (const status of [200, 301, 401, 404]) assert.ok(isReady(answered(status)))
    for (const answer of [answered(500), { kind: 'refused' }, { kind: 'silent' }] as const) assert.ok(!isReady(answer))
  })

  it('takes a connection for ready, where no more is asked for', () => assert.ok(isReady({ kind: 'accepted' })))
})

describe('The sentence about an instance that is not ready', () => {
  it('names the port that the app listens on instead of $PORT', () => {
    const { reason, detail } = diagnoseSilence({ ...silence, listening: [3999] })
    assert.equal(reason, 'wrongPort')
    assert.match(detail, /listens on port 3999 instead of \$PORT \(5000\)/)
  })

  it('says that nothing listened, for how long, and what the app wrote last', () => {
    const { reason, detail } = diagnoseSilence(silence)
    assert.equal(reason, 'neverListened')
    assert.match(detail, /did not listen on \$PORT \(5000\) within 60 s\. Its last output: booting/)
  })

  it('gives the path, the status that kept the app from being ready, and what it said with it', () => {
    const last = answered(503, 'database is away')
    const { reason, detail } = diagnoseSilence({
      ...silence,
      check: { ...check, path: '/healthz', startTimeoutMs: 5_000 },
      listening: [5000],
      last,
    })
    assert.equal(reason, 'probeFailed')
    assert.match(detail, /^answered GET \/healthz with status 503 for 5 s; .* It said: database is away/)
  })

  it('S01: makes one harmless, short line of what a hostile app answers', () => {
    const last = answered(500, `\x1b[2J\x07first\r\n\u202esecond\0${'x'.repeat(4000)}`)
    const { sentence } = diagnoseSilence({ ...silence, last })
    assert.ok(!/[\p{Cc}\p{Bidi_Control}]/u.test(sentence))
    assert.match(sentence, /It said: \[2J first second x+$/)
    assert.ok(sentence.length < 400)
  })

  it('tells an app that listens on its own loopback from one that is silent', () => {
    const refused = diagnoseSilence({ ...silence, listening: [5000] })
    assert.match(refused.detail, /did not answer GET \/ \(does it listen on 127\.0\.0\.1 only\?/)
    const silent = diagnoseSilence({ ...silence, listening: [5000], last: { kind: 'silent' } })
    assert.match(silent.detail, /did not answer GET \/ for 60 s/)
    const tcp = diagnoseSilence({ ...silence, check: { ...check, kind: 'tcp' }, listening: [5000] })
    assert.match(tcp.detail, /did not accept a connection/)
  })
})

describe('The sentence about an instance that ended', () => {
  const ending = {
    exitCode: 1,
    oomKills: 0,
    disk: null,
    wasReady: false,
    memoryMb: 512,
    lastOutput: ['Error: no database'],
  }

  it('tells running out of memory from a crash', () => {
    assert.equal(diagnoseExit({ ...ending, exitCode: 137, oomKills: 1 }).reason, 'outOfMemory')
    assert.equal(diagnoseExit({ ...ending, exitCode: 137 }).reason, 'exited')
  })

  it('tells a full disk from a crash, by bytes and by files', () => {
    const disk = { usedBytes: 0, limitBytes: 1024 * 1024 * 1024, usedInodes: 10, limitInodes: 65_536 }
    const full = diagnoseExit({ ...ending, disk: { ...disk, usedBytes: disk.limitBytes } })
    assert.equal(full.reason, 'diskFull')
    assert.match(full.detail, /filled its 1024 MB of disk/)
    assert.equal(diagnoseExit({ ...ending, disk: { ...disk, usedInodes: 65_536 } }).reason, 'diskFull')
    assert.equal(diagnoseExit({ ...ending, disk }).reason, 'exited')
  })

  it('names the exit code or the signal and the last output', () => {
    assert.equal(
      diagnoseExit(ending).detail,
      'exited with code 1 before it was ready. Its last output: Error: no database',
    )
    assert.match(
      diagnoseExit({ ...ending, exitCode: 139, wasReady: true, lastOutput: [] }).detail,
      /^was ended by signal 11\. It wrote nothing\.$/,
    )
  })
})

describe('The sentence about a one-off run that ended', () => {
  const ending = {
    exitCode: 0,
    because: null,
    oomKills: 0,
    disk: null,
    memoryMb: 64,
    timeoutMs: 2000,
    lastOutput: [],
  }

  it('tells an exit code, a limit, memory and an order apart', () => {
    const reasons = (over: Partial<Parameters<typeof diagnoseRun>[0]>) => diagnoseRun({ ...ending, ...over }).reason
    assert.equal(reasons({}), 'completed')
    assert.equal(reasons({ exitCode: 3 }), 'exited')
    assert.equal(reasons({ exitCode: null, because: 'timedOut' }), 'timedOut')
    assert.equal(reasons({ exitCode: null, because: 'clientGone' }), 'clientGone')
    assert.equal(reasons({ exitCode: null, because: 'stopped' }), 'stopped')
    assert.equal(reasons({ exitCode: 137, oomKills: 1 }), 'outOfMemory')
    const disk = { usedBytes: 2 ** 20, limitBytes: 2 ** 20, usedInodes: 1, limitInodes: 100 }
    assert.equal(reasons({ exitCode: 1, disk }), 'diskFull')
    assert.equal(reasons({ exitCode: 0, disk }), 'completed')
  })
})
