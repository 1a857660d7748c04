/**
 * Every example of every command is run against the real API: what it asks is what its row declares, and what the rows declare is
 * all of the API.
 */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { operations } from '#core/contract/operations/index.ts'
import type { AppName } from '#core/domain/ids.ts'
import { findApp } from '#core/store/apps.ts'
import { endDeploy, startApi, type TestApi } from '#test/helpers/api.ts'
import { makeCertificate } from '#test/helpers/certificates.ts'
import { runInProcess, startRecorder, wordsOf, type Recorder } from '#test/helpers/cli-run.ts'
import { liveRelease, storedLayer } from '#test/helpers/releases.ts'
import { commands } from '../../../cli/tables/index.ts'

/** Commands whose examples speak to this machine or to the terminal, and not to the API. */
const onThisMachine = ['logout', 'commands', 'local', 'local:run', 'doctor', 'git:credentials', 'completion']

/** Operations that no command calls, and why. */
const uncovered: Record<string, string> = {}

const deployLog = 'GET /apps/:app/deploys/:deploy/log'
/** What an example calls only where the test's API has more than it has: a host, a build, an earlier release, an app with settings. */
const notMetHere: Record<string, string[]> = {
  run: ['POST /apps/:app/runs/:run/stop'],
  'stacks:build': ['GET /stacks/:stack/log'],
  'builds:cancel': ['GET /apps/:app/builds/:build'],
  'builds:output': ['GET /apps/:app/builds/:build/output', deployLog],
  rollback: [deployLog],
  fork: ['PATCH /apps/:app/formation'],
  'apps:import': [
    'PATCH /apps/:app/access',
    'PATCH /apps/:app/config',
    'PATCH /apps/:app/formation',
    'POST /apps/:app/domains',
  ],
  'slugs:deploy': [deployLog],
}

/** Apps that an example is about to make. */
const made: Record<string, string[]> = {
  create: ['hello'],
  init: ['shop', 'shop-staging'],
  fork: ['shop-staging'],
  'apps:import': ['shop', 'shop-copy'],
}

describe('What the commands ask of the API', function () {
  // A hundred commands, and processes that make certificates.
  this.timeout(240_000)
  let api: TestApi
  let recorder: Recorder
  let home: string
  const asked = new Map<string, Set<string>>()

  before(async () => {
    api = await startApi()
    api.play = (deploy) => endDeploy(api, deploy, { state: 'failed', error: 'no host' }, ['-----> A line'])
    recorder = await startRecorder(api.url)
    home = await mkdtemp(join(tmpdir(), 'berth-examples-'))
    await writeFiles(home)
    await api.call(api.operator, 'POST', '/v1/tenants', { id: 'acme' })
    for (const spec of commands)
      if (!onThisMachine.includes(spec.name)) asked.set(spec.name, await requestsOf(spec.name, spec.examples))
  })
  after(async () => {
    await recorder.stop()
    await api.stop()
    await rm(home, { recursive: true, force: true })
  })

  it('is what each declares, and nothing else', () => {
    const wrong = commands.flatMap(({ name, uses = [] }) => {
      const found = new Set([...(asked.get(name) ?? []), ...(notMetHere[name] ?? [])])
      const undeclared = [...found].filter((operation) => !uses.includes(operation))
      const unasked = uses.filter((operation) => !found.has(operation))
      return undeclared.length + unasked.length === 0 ? [] : [{ name, undeclared, unasked }]
    })
    assert.deepEqual(wrong, [])
  })

  it('is, in all, every operation that there is', () => {
    const used = new Set(commands.flatMap(({ uses = [] }) => uses))
    assert.deepEqual(
      Object.keys(operations).filter((operation) => !used.has(operation) && !(operation in uncovered)),
      [],
    )
    assert.deepEqual(
      [...used, ...Object.keys(uncovered)].filter((operation) => !(operation in operations)),
      [],
      'is not an operation',
    )
  })

  async function requestsOf(command: string, examples: string[]): Promise<Set<string>> {
    const found = new Set<string>()
    for (const example of examples) {
      await prepareApps(made[command] ?? [])
      recorder.take()
      // What follows a log to no end is broken off, and what begins anew is left to itself.
      const timer = setInterval(() => recorder.breakOff(), 1_500)
      const env = {
        HOME: home,
        PATH: process.env['PATH'],
        BERTH_APP: 'hello',
        BERTH_API_URL: recorder.url,
        BERTH_TOKEN: api.operator,
      }
      const input = command === 'login' ? api.operator : 'input'
      const ran = runInProcess(wordsOf(example, home), { env, cwd: home, input })
      await Promise.race([ran, sleep(10_000, undefined, { ref: false })])
      clearInterval(timer)
      for (const operation of recorder.take()) found.add(operation)
    }
    return found
  }

  async function prepareApps(absent: string[]): Promise<void> {
    for (const name of absent)
      if (await findApp(api.context.store, name as AppName))
        await api.call(api.operator, 'DELETE', `/v1/apps/${name}?confirm=${name}`)
    for (const name of ['hello', 'shop', 'hello-staging', 'shop-staging']) {
      if (absent.includes(name) || (await findApp(api.context.store, name as AppName))) continue
      await api.call(api.operator, 'POST', '/v1/apps', { name })
      const app = await findApp(api.context.store, name as AppName)
      assert.ok(app)
      await liveRelease(api.context, app, [await storedLayer(api.context, Buffer.from('hsqs'))])
      await api.call(api.operator, 'PATCH', `/v1/apps/${name}/config`, { GREETING: 'hello' })
    }
  }
})

async function writeFiles(home: string): Promise<void> {
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6dM0uGvSxkBqqHO7QBHp8e3vCtSOjGvRZ8m3s0YJm1 ci\n'
  const pair = await makeCertificate('hello.localhost', { names: ['hello.localhost'] })
  const files = {
    '.ssh/id_ed25519.pub': key,
    '.ssh/deploy.pub': key,
    'secret.txt': 'a long passphrase\n',
    'build/index.html': 'x',
    'fullchain.pem': pair.cert,
    'privkey.pem': pair.key,
    'wildcard.pem': pair.cert,
    'shop.slug': 'not one',
  }
  for (const folder of ['.ssh', 'build']) await mkdir(join(home, folder))
  for (const [name, content] of Object.entries(files)) await writeFile(join(home, name), content)
}
