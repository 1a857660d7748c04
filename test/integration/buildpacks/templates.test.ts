import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { buildPlan, buildRelease } from '#core/contract/buildpack.ts'
import { parse } from '#core/contract/schema.ts'
import type { TemplateDetail } from '#core/contract/tools.ts'
import { parseProcfile } from '#core/domain/procfile.ts'
import { newBuild, type BuildRun } from '#test/helpers/buildpack-run.ts'
import { openTemplates } from '../../../controller/templates.ts'

const buildpackOf: Record<string, string> = {
  express: 'node',
  go: 'go',
  node: 'node',
  'node-worker': 'node',
  python: 'python',
  'static-site': 'static',
}
/** Those that need no more than the Node that is here, and say so when they answer. */
const runsHere: Record<string, RegExp> = {
  node: /^Hello from Node\.js v/,
  'node-worker': /^Hello from Node\.js v/,
  express: /^Hello from Express/,
}

describe('The sample apps', function () {
  // npm installs from a registry.
  this.timeout(120_000)
  let build: BuildRun
  beforeEach(async () => {
    build = await newBuild()
  })
  afterEach(() => build.remove())

  const filesOf = ({ files }: TemplateDetail) => Object.fromEntries(files.map(({ path, content }) => [path, content]))

  it('are each built by the buildpack of their language, and have the process types that they say', async () => {
    const all = await openTemplates().list()
    assert.deepEqual(
      all.map(({ name }) => name),
      Object.keys(buildpackOf),
    )
    for (const template of all) {
      await build.source(null, filesOf(template))
      const { code, output } = await build.phase('detect')
      assert.equal(code, 0, output)
      assert.equal(parse(buildPlan, await build.result('plan.json')).buildpack, buildpackOf[template.name])
      const procfile = filesOf(template)['Procfile']
      if (procfile !== undefined) assert.deepEqual(Object.keys(parseProcfile(procfile)), template.processes)
      await build.remove()
      build = await newBuild()
    }
  })

  for (const [name, greeting] of Object.entries(runsHere))
    it(`${name} is built, answers on its port, and ends at SIGTERM`, async () => {
      await build.source(null, filesOf(await openTemplates().find(name)))
      for (const phase of ['detect', 'compile']) {
        const { code, output } = await build.phase(phase)
        assert.equal(code, 0, output)
      }
      const { processes } = parse(buildRelease, await build.result('release.json'))
      const port = await freePort()
      const app = spawn('/bin/sh', ['-c', `exec ${processes['web' as keyof typeof processes]}`], {
        cwd: build.app,
        env: { PATH: process.env['PATH'], PORT: String(port) },
        stdio: 'ignore',
      })
      const ended = new Promise((resolve) => app.once('exit', resolve))
      try {
        assert.match(await answerOf(port), greeting)
      } finally {
        app.kill('SIGTERM')
      }
      assert.equal(await ended, 0)
    })
})

async function answerOf(port: number): Promise<string> {
  for (;;) {
    try {
      return await (await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } })).text()
    } catch {
      await sleep(50)
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => void server.listen(0, resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
