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
import { aSignedIn, PASSWORD } from '#test/helpers/people.ts'
import { liveRelease, storedLayer } from '#test/helpers/releases.ts'
import type { CommandSpec } from '../../../cli/program.ts'
import { commands } from '../../../cli/tables/index.ts'

/** Commands whose examples speak to this machine or to the terminal, and not to the API. */
const onThisMachine = [
  'commands',
  'local',
  'local:run',
  'doctor',
  'git:credentials',
  'completion',
  'install',
  'uninstall',
  'restore',
]

/** The first listens until a signal ends it; the second writes to this process's output; the third is as the one before it, slow. */
const leftOut = [
  'ps:forward worker.1 8081:8080 9229',
  'backup - --passphrase-file secret.txt | ssh vault "cat > berth.backup"',
  'backup berth.backup',
]

/** Examples that go on until somebody has seen enough. */
const isEndless = (example: string): boolean => /^(deploys:watch|(logs|events)\b.* (-t|--tail)\b)/.test(example)

/** Who runs them belongs to a tenant, and has a password. */
const asMember = /^(account|members|invite|invitations)\b/

const inBrowser = 'it is for the console, which signs in with a cookie'
const inList = 'the list shows as much of each'
/** Operations that no command calls, and why. */
const uncovered: Record<string, string> = {
  'POST /session/once': inBrowser,
  'GET /session/methods': inBrowser,
  'GET /session': inBrowser,
  'POST /session/totp': inBrowser,
  'PATCH /account': 'it is for the console: one changes the own name there',
  'POST /account/invitations': 'an invitation is a link, which a browser opens',
  'POST /invitations/show': 'an invitation is a link, which a browser opens',
  'POST /invitations/accept': 'an invitation is a link, which a browser opens',
  'DELETE /account/memberships/:membership': 'it is for the console; an owner has members:remove',
  'GET /users/:person': inList,
  'GET /audit/head': 'audit:export and audit:verify say the head of what they have read',
  'GET /apps/:app/webhooks/:webhook': inList,
  'GET /tenants/:tenant/webhooks/:webhook': inList,
  'GET /webhooks/:webhook': inList,
}

const deployLog = 'GET /apps/:app/deploys/:deploy/log'
/** What an example calls only where the test's API has more than it has: a host, a build, an earlier release, a webhook. */
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
  // Who logs out in the tests has a token that was made elsewhere.
  logout: ['DELETE /tokens/:token'],
  // These ask for what is new on a terminal alone.
  'account:password': ['POST /account/password'],
  'account:totp': ['POST /account/totp', 'POST /account/totp/confirm'],
  'account:totp:disable': ['POST /account/totp/disable'],
  'webhooks:test': ['/apps/:app', '/tenants/:tenant', ''].map(
    (owner) => `GET ${owner}/webhooks/:webhook/deliveries/:delivery`,
  ),
  'hosts:drain': ['GET /instances'],
}

/** Apps that an example is about to make. */
const made: Record<string, string[]> = {
  create: ['hello'],
  init: ['shop', 'shop-staging'],
  fork: ['shop-staging'],
  'apps:import': ['shop', 'shop-copy'],
}

const ENDS_WITHIN_MS = 30_000

describe('What the commands ask of the API', function () {
  // A hundred commands, and processes that make certificates.
  this.timeout(240_000)
  let api: TestApi
  let recorder: Recorder
  let home: string
  let member: string
  const asked = new Map<string, Set<string>>()

  before(async () => {
    api = await startApi()
    api.play = (deploy) => endDeploy(api, deploy, { state: 'failed', error: 'no host' }, ['-----> A line'])
    recorder = await startRecorder(api.url)
    home = await mkdtemp(join(tmpdir(), 'berth-examples-'))
    await writeFiles(home)
    await api.call(api.operator, 'POST', '/v1/tenants', { id: 'acme' })
    member = await tokenOf('ann@example.com')
    for (const spec of commands)
      if (!onThisMachine.includes(spec.name)) asked.set(spec.name, await requestsOf(spec.name, linesOf(spec)))
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

  async function requestsOf(command: string, lines: string[]): Promise<Set<string>> {
    const found = new Set<string>()
    for (const line of lines) {
      await prepareApps(made[command] ?? [])
      recorder.begin({ once: isEndless(line) })
      await runToItsEnd(line, asMember.test(command) ? member : api.operator)
      for (const operation of recorder.take()) found.add(operation)
    }
    return found
  }

  /** What a command does is asserted elsewhere; here it may fail, but it must not hang. */
  async function runToItsEnd(line: string, token: string): Promise<void> {
    const env = {
      HOME: home,
      PATH: process.env['PATH'],
      BERTH_APP: 'hello',
      BERTH_API_URL: recorder.url,
      BERTH_TOKEN: token,
    }
    const words = wordsOf(line.replace('https://berth.example.com', recorder.url), home)
    const input = line.includes('--email') || token === member ? PASSWORD : line.startsWith('login') ? token : 'input'
    const left = new AbortController()
    const ended = await Promise.race([
      runInProcess(words, { env, cwd: home, input }).then(() => true),
      sleep(ENDS_WITHIN_MS, false, { signal: left.signal }).catch(() => false),
    ])
    left.abort()
    assert.ok(ended, `berth ${line} goes on for ever: end it by isEndless, or leave it out.`)
  }

  async function tokenOf(email: string): Promise<string> {
    const { browser } = await aSignedIn(api, email, { tenant: 'acme', role: 'owner' })
    const made = await browser.call('POST', '/v1/tokens', { description: 'examples', account: true })
    return (made.body as { token: string }).token
  }

  async function prepareApps(absent: string[]): Promise<void> {
    for (const name of absent)
      if (await findApp(api.context.store, name as AppName))
        await api.call(api.operator, 'DELETE', `/v1/apps/${name}?confirm=${name}`)
    for (const name of ['hello', 'shop', 'shop-api', 'hello-staging', 'shop-staging']) {
      if (absent.includes(name) || (await findApp(api.context.store, name as AppName))) continue
      await api.call(api.operator, 'POST', '/v1/apps', { name })
      const app = await findApp(api.context.store, name as AppName)
      assert.ok(app)
      await liveRelease(api.context, app, [await storedLayer(api.context, Buffer.from('hsqs'))])
      await api.call(api.operator, 'PATCH', `/v1/apps/${name}/config`, { GREETING: 'hello' })
    }
  }
})

/** Its examples, and its first one again for each other owner that it may have. */
function linesOf({ examples, options = [] }: CommandSpec): string[] {
  const [first = ''] = examples
  const bare = first.replace(/ (-a \S+|--tenant \S+|--platform)/g, '')
  const owners = options.flatMap(([flags]) =>
    flags === '--platform' ? [' --platform'] : flags.startsWith('--tenant') ? [' --tenant acme'] : [],
  )
  const isOwned = owners.includes(' --platform')
  return [...examples, ...(isOwned ? owners.map((owner) => bare + owner) : [])].filter((one) => !leftOut.includes(one))
}

async function writeFiles(home: string): Promise<void> {
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6dM0uGvSxkBqqHO7QBHp8e3vCtSOjGvRZ8m3s0YJm1 ci\n'
  const pair = await makeCertificate('hello.localhost', { names: ['hello.localhost'] })
  const files = {
    '.ssh/id_ed25519.pub': key,
    '.ssh/deploy.pub': key,
    'secret.txt': 'a long passphrase\n',
    'build/index.html': 'x',
    'target/shop.war': 'x',
    'fullchain.pem': pair.cert,
    'privkey.pem': pair.key,
    'wildcard.pem': pair.cert,
    'shop.slug': 'not one',
  }
  for (const folder of ['.ssh', 'build', 'target']) await mkdir(join(home, folder))
  for (const [name, content] of Object.entries(files)) await writeFile(join(home, name), content)
}
