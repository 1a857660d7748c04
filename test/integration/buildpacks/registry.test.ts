import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { join } from 'node:path'
import { exitCodes } from '#buildpacks/contract.ts'
import { newBuild, type BuildRun } from '#test/helpers/buildpack-run.ts'
import { tarOf } from '#test/helpers/tar.ts'

/** npm's registry with one package, which fails as many requests as it is told to. */
async function startRegistry(): Promise<{ url: string; fail(times: number, how: 'reset' | 503): void; stop(): void }> {
  const archive = gzipSync(
    tarOf([
      { name: 'package/package.json', content: JSON.stringify({ name: 'tiny-thing', version: '1.0.0' }) },
      { name: 'package/index.js', content: 'module.exports = 1' },
    ]),
  )
  let failures = 0
  let kind: 'reset' | 503 = 503
  const server: Server = createServer((request, response) => {
    if (failures > 0) {
      failures -= 1
      if (kind === 'reset') return void request.socket.resetAndDestroy()
      return void response.writeHead(503).end()
    }
    if (request.url?.endsWith('.tgz')) return void response.end(archive)
    const dist = {
      tarball: `${url}/tiny-thing/-/tiny-thing-1.0.0.tgz`,
      integrity: `sha512-${createHash('sha512').update(archive).digest('base64')}`,
    }
    const version = { name: 'tiny-thing', version: '1.0.0', dist }
    response.end(
      JSON.stringify({ name: 'tiny-thing', 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': version } }),
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    fail(times, how) {
      failures = times
      kind = how
    },
    stop() {
      server.closeAllConnections()
      server.close()
    },
  }
}

describe('A build whose registry fails', function () {
  this.timeout(120_000)
  let build: BuildRun
  let registry: Awaited<ReturnType<typeof startRegistry>>
  beforeEach(async () => {
    registry = await startRegistry()
    build = await newBuild()
    const app = { name: 'app', dependencies: { 'tiny-thing': '1.0.0' }, scripts: { start: 'node index.js' } }
    await build.source(null, { 'package.json': JSON.stringify(app), 'index.js': '' })
    assert.equal((await build.phase('detect')).code, 0)
  })
  afterEach(async () => {
    registry.stop()
    await build.remove()
  })

  /** npm's own tries are switched off, which take half a minute. */
  const compile = () => build.phase('compile', { NPM_CONFIG_REGISTRY: registry.url, NPM_CONFIG_FETCH_RETRIES: '0' })

  it('goes on when the registry is back', async () => {
    registry.fail(1, 'reset')
    const { code, output } = await compile()
    assert.equal(code, 0, output)
    assert.match(output, /the network failed \(ECONNRESET\); trying again in 2 s \(2 of 3\)/)
    assert.ok(
      existsSync(join(build.app, 'node_modules/tiny-thing/index.js')),
      await readFile(join(build.app, 'package.json'), 'utf8'),
    )
  })

  it('ends as a failure of the network, not of the app, when it stays away', async () => {
    registry.fail(Infinity, 503)
    const { code, output } = await compile()
    assert.equal(code, exitCodes.networkFailed, output)
    assert.match(output, / ! {5}"npm install .*failed because of the network \(503 from the registry\)/)
  })
})
