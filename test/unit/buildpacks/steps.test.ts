import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import type { BuildFailure } from '#buildpacks/contract.ts'
import { exitCodes, type Command } from '#buildpacks/contract.ts'
import { createOutput } from '#buildpacks/output.ts'
import { runStep } from '#buildpacks/steps.ts'

const resetting = 'echo "npm error code ECONNRESET"; exit 1'

describe('A step of a build', () => {
  let printed: string
  let waited: number[]
  const patience = {
    sleep: (ms: number) => {
      waited.push(ms)
      return Promise.resolve()
    },
    retryAfterMs: [2_000, 8_000],
  }
  beforeEach(() => {
    printed = ''
    waited = []
  })

  const run = (script: string, more: Partial<Command> = {}) =>
    runStep(
      { title: 'Installing', shown: 'install', argv: ['/bin/sh', '-c', script], env: process.env, ...more },
      tmpdir(),
      createOutput((text) => (printed += text)),
      patience,
    )

  const failureOf = async (work: Promise<void>): Promise<BuildFailure> =>
    work.then(
      () => assert.fail('the step did not fail'),
      (error: unknown) => error as BuildFailure,
    )

  it('is tried again, after a longer and longer pause, when the network failed it', async () => {
    const failure = await failureOf(run(resetting, { fetches: true }))
    assert.equal(failure.exitCode, exitCodes.networkFailed)
    assert.match(failure.message, /because of the network \(ECONNRESET\)/)
    assert.deepEqual(waited, [2_000, 8_000])
    assert.match(printed, /trying again in 8 s \(3 of 3\)/)
  })

  it('goes on when a later try succeeds', async () => {
    const marker = `${tmpdir()}/berth-step-${process.pid}`
    await run(`test -e ${marker} && rm ${marker} && exit 0; touch ${marker}; ${resetting}`, { fetches: true })
    assert.deepEqual(waited, [2_000])
    assert.match(printed, /done in/)
  })

  it('is not tried again when it fetches nothing, or failed by its own fault', async () => {
    assert.equal((await failureOf(run(resetting))).exitCode, exitCodes.failedStep)
    assert.equal((await failureOf(run('echo E404; exit 1', { fetches: true }))).exitCode, exitCodes.failedStep)
    assert.deepEqual(waited, [])
  })

  it('ends with a hint where the cause is known', async () => {
    const failure = await failureOf(
      run('echo "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory"; exit 134'),
    )
    assert.match(failure.message, /exit code 134/)
    assert.match(printed, / ! {5}V8 ran out of heap/)
  })
})
