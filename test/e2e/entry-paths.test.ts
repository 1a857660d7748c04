import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { startWorld, waitFor, type World } from '#test/helpers/world.ts'

const BERTH = join(import.meta.dirname, '../../bin/berth')
const NONE = '0'.repeat(16)
/** As a process sees itself: the ids are its own namespace's. */
const EXPECTED =
  `Uid: 1000 1000 1000 1000; CapInh: ${NONE}; CapPrm: ${NONE}; CapEff: ${NONE}; CapBnd: ${NONE}; CapAmb: ${NONE}; ` +
  'NoNewPrivs: 1; Seccomp: 2'

/**
 * Every way by which a tenant's code starts. Health checks are not among them: they ask over the network, and nothing of
 * theirs runs inside. The platform's own detect, where no code of the tenant's runs, is held by hostile-builds.test.ts.
 */
describe('Whichever way a tenant’s code starts', () => {
  let world: World
  let pushed: string
  before(async function () {
    this.timeout(180_000)
    world = await startWorld()
    await world.cli(['create', 'rights'])
    const { code, output } = await world.pushApp('rights', 'shows-rights')
    assert.equal(code, 0, output)
    pushed = output
    await world.cli(['scale', 'worker=1', '-a', 'rights'])
  })
  after(async function () {
    this.timeout(60_000)
    await world?.stop()
  })

  function assertUnprivileged(text: string, where: string): void {
    for (const who of [where, `${where}'s child`]) {
      const said = text.split(`rights of ${who}: `)[1]?.split('\n')[0]?.trim()
      assert.equal(said, EXPECTED, `${who} in ${text}`)
    }
  }

  it('S01: a step of the build has no rights', () => assertUnprivileged(pushed, 'build'))

  it('S01: web has no rights', async () => assertUnprivileged((await world.http('rights', '/')).body, 'web'))

  it('S01: a release command has no rights', () => assertUnprivileged(pushed, 'release'))

  it('S01: a one-off run has no rights', async function () {
    this.timeout(60_000)
    assertUnprivileged((await world.cli(['run', '-a', 'rights', 'node', 'rights.js', 'run'])).stdout, 'run')
  })

  it('S01: a one-off run on a terminal of its own has no rights', async function () {
    this.timeout(60_000)
    const line = `${BERTH} run -a rights node rights.js terminal`
    const child = spawn('script', ['-qec', line, '/dev/null'], { env: world.env, stdio: ['pipe', 'pipe', 'ignore'] })
    assertUnprivileged(await text(child.stdout), 'terminal')
  })

  it('S01: a worker has no rights', async function () {
    this.timeout(30_000)
    let log = ''
    const hasSpoken = async () => {
      log = (await world.cli(['logs', '-a', 'rights'])).stdout
      return log.includes("rights of worker's child")
    }
    await waitFor(hasSpoken, { timeoutMs: 25_000, what: 'the worker’s log', detail: () => log })
    assertUnprivileged(log, 'worker')
  })
})
