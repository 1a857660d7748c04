import assert from 'node:assert/strict'
import { defaultHealthCheck, type HealthCheck } from '#core/domain/health-check.ts'
import type { ProbeAnswer } from '../../../agent/health/health.ts'
import { untilReady } from '../../../agent/health/readiness.ts'

const answered = (status: number): ProbeAnswer => ({ kind: 'answered', status, body: 'no database' })

/** An instance whose clock goes on by itself: each look takes a second. */
function anInstance(check: HealthCheck, answers: ProbeAnswer[] = [], pausedLooks = 0) {
  let now = 0
  let asked = 0
  let pauses = 0
  return {
    asked: () => asked,
    readiness: {
      check,
      startedAt: 0,
      port: 5000,
      isPaused: () => pauses++ < pausedLooks,
      ask: () => Promise.resolve(answers[Math.min(asked++, answers.length - 1)] ?? { kind: 'refused' as const }),
      listening: () => Promise.resolve([5000]),
      lastOutput: () => ['booting'],
      now: () => (now += 1_000),
    },
  }
}
const never = new AbortController().signal
const http = defaultHealthCheck(true)

describe('An instance that starts', () => {
  it('is ready with the first good answer', async () => {
    const { readiness, asked } = anInstance(http, [{ kind: 'refused' }, answered(503), answered(200)])
    assert.equal(await untilReady(readiness, never), 'ready')
    assert.equal(asked(), 3)
  })

  it('is given up after its own start timeout, with the last answer', async () => {
    const { readiness } = anInstance({ ...http, path: '/up', startTimeoutMs: 3_000 }, [answered(503)])
    const outcome = await untilReady(readiness, never)
    assert.ok(outcome !== null && outcome !== 'ready')
    assert.match(outcome.sentence, /answered GET \/up with status 503 for 3 s; .* It said: no database/)
  })

  it('is asked nothing where its check is none, and has to run a while', async () => {
    const { readiness, asked } = anInstance(defaultHealthCheck(false))
    assert.equal(await untilReady(readiness, never), 'ready')
    assert.equal(asked(), 0)
  })

  it('is not asked while it is frozen, and that time does not count', async () => {
    const { readiness, asked } = anInstance({ ...http, startTimeoutMs: 4_000 }, [answered(503), answered(200)], 3)
    assert.equal(await untilReady(readiness, never), 'ready')
    assert.equal(asked(), 2)
  })

  it('is left when its waiting is over', async () => {
    const { readiness } = anInstance(http)
    assert.equal(await untilReady(readiness, AbortSignal.abort()), null)
  })
})
