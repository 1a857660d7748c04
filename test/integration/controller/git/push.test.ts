import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '#core/runtime/process.ts'
import { sleep } from '#core/runtime/clock.ts'
import { defaultBuildSettings, type App } from '#core/domain/app.ts'
import type { AppName, TokenId } from '#core/domain/ids.ts'
import type { Deploy } from '#core/domain/release.ts'
import { findApp, setBuild, setPaused } from '#core/store/apps.ts'
import { appendDeployLog } from '#core/store/deploys.ts'
import { changeTenant } from '#core/store/tenants.ts'
import { loadToken, saveToken } from '#core/store/tokens.ts'
import { runGit } from '../../../../controller/git/run.ts'
import { GIT_UID } from '../../../../controller/git/settings.ts'
import { endDeploy, startApi, type TestApi } from '../../../helpers/api.ts'
import { aToken } from '../../../helpers/tokens.ts'

type Pushed = { code: number; said: string }

describe('git push', function () {
  this.timeout(30_000)
  let api: TestApi
  let member: string
  let work: string
  let apps = 0

  before(async () => {
    api = await startApi()
    member = await api.member('alpha')
    work = await mkdtemp(join(tmpdir(), 'berth-push-'))
  })
  after(async () => {
    await api.stop()
    await rm(work, { recursive: true, force: true })
  })
  beforeEach(() => {
    api.submitted.length = 0
    api.play = goesLive
  })

  const goesLive = (deploy: Deploy) =>
    endDeploy(api, deploy, { state: 'succeeded', release: 3 }, ['-----> Building', '-----> Starting web=1'])
  const fails = (deploy: Deploy) => endDeploy(api, deploy, { state: 'failed', error: 'the build ended with code 1' })

  const environment = () => ({
    PATH: process.env['PATH'],
    HOME: work,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: 'a',
    GIT_AUTHOR_EMAIL: 'a@example.com',
    GIT_COMMITTER_NAME: 'a',
    GIT_COMMITTER_EMAIL: 'a@example.com',
  })
  const git = async (folder: string, ...args: string[]) =>
    (await run(['git', '-C', folder, ...args], { env: environment() })).stdout.trim()

  const urlOf = (app: string, token = member) => `${api.url.replace('//', `//anyone:${token}@`)}/git/${app}.git`

  /** A git command that talks to the API, to its end. */
  const talk = (folder: string, ...args: string[]): Promise<Pushed> => hear(folder, args, () => {})
  const hear = async (folder: string, args: string[], onHeard: (said: string) => void): Promise<Pushed> => {
    const child = spawn('git', ['-C', folder, ...args], { env: environment(), stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => onHeard((said += chunk.toString())))
    const [code] = (await once(child, 'close')) as [number]
    return { code, said }
  }

  const newApp = async (): Promise<App> => {
    const name = `app${++apps}`
    await api.call(member, 'POST', '/v1/apps', { name })
    const app = await findApp(api.context.store, name as AppName)
    assert.ok(app)
    return app
  }

  const newCheckout = async (): Promise<string> => {
    const folder = await mkdtemp(join(work, 'checkout-'))
    await git(folder, 'init', '--quiet', '--initial-branch=main')
    await commit(folder, 'one')
    return folder
  }
  const commit = async (folder: string, text: string): Promise<string> => {
    await writeFile(join(folder, 'server.js'), text)
    await git(folder, 'add', '.')
    await git(folder, 'commit', '--quiet', '--message', text)
    return git(folder, 'rev-parse', 'HEAD')
  }
  const refOf = async (app: App, ref: string): Promise<string> =>
    runGit(await api.context.repositories.open(app.id), ['for-each-ref', '--format=%(objectname)', ref])
  const mainOf = (app: App) => refOf(app, 'refs/heads/main')
  const until = async (condition: () => Promise<boolean> | boolean) => {
    while (!(await condition())) await sleep(20)
  }

  it('refuses a push to what is paused or suspended, says what to do, and leaves main where it was', async () => {
    const app = await newApp()
    const folder = await newCheckout()
    await setPaused(api.context.store, app.id, { at: 0, by: 'me' })
    const paused = await talk(folder, 'push', urlOf(app.name), 'main')
    assert.notEqual(paused.code, 0)
    assert.match(paused.said, /was not deployed\. .* is paused, so nothing can be deployed to it\. Resume it first/)
    await setPaused(api.context.store, app.id, null)
    await changeTenant(api.context.store, app.tenantId, { suspended: { at: 0, by: 'ops', reason: 'sends spam' } })
    const suspended = await talk(folder, 'push', urlOf(app.name), 'main')
    await changeTenant(api.context.store, app.tenantId, { suspended: null })
    assert.match(suspended.said, /remote: alpha is suspended \(sends spam\)/)
    assert.deepEqual([await mainOf(app), api.submitted.length], ['', 0])
    assert.equal((await talk(folder, 'push', urlOf(app.name), 'main')).code, 0)
  })

  it('streams the deploy to the pusher and moves main when the release is live', async () => {
    const app = await newApp()
    const folder = await newCheckout()
    let archived: string[] = []
    api.play = async (deploy, request) => {
      const tar = join(api.home, 'sources', `${deploy.id}.tar`)
      archived = (await run(['tar', '-tf', tar])).stdout.trim().split('\n')
      const digest = (await run(['sha256sum', tar])).stdout.slice(0, 64)
      assert.equal(request.source, digest)
      await goesLive(deploy)
    }
    const { code, said } = await talk(folder, 'push', urlOf(app.name), 'main')
    assert.equal(code, 0, said)
    const words = [
      'accepted',
      '-----> Building',
      '-----> Starting web=1',
      `v3 is live at http://${app.name}.localhost:8080/`,
    ]
    let at = 0
    for (const word of words) assert.ok((at = said.indexOf(word, at)) > 0, `${word} in ${said}`)
    const head = await git(folder, 'rev-parse', 'HEAD')
    assert.equal(await mainOf(app), head)
    assert.deepEqual(archived, ['server.js'])
    const [request] = api.submitted
    assert.deepEqual([request?.kind, request?.commit, request?.actor], ['push', head, 'member of alpha'])
    await until(async () => (await readdir(join(api.home, 'sources'))).length === 0)
    assert.equal((await talk(work, 'clone', '--quiet', urlOf(app.name), 'copy')).code, 0)
    assert.equal(await git(join(work, 'copy'), 'rev-parse', 'HEAD'), head)
  })

  it('notes what the commit says of itself, as a line that is harmless, beside a description that stays as it was', async () => {
    const app = await newApp()
    const folder = await newCheckout()
    const said = ['Cut \u001b[31mthe\u202e prices\tby half; $(id)', '', `Told by ${'x'.repeat(70_000)}`].join('\n')
    await writeFile(join(folder, 'message'), said)
    await git(folder, 'commit', '--quiet', '--allow-empty', '--file', 'message')
    assert.equal((await talk(folder, 'push', urlOf(app.name), 'main')).code, 0)
    await git(folder, 'commit', '--quiet', '--allow-empty', '--allow-empty-message', '--message', '')
    assert.equal((await talk(folder, 'push', urlOf(app.name), 'main')).code, 0)
    const [first, second] = api.submitted
    assert.equal(first?.subject, 'Cut [31mthe prices by half; $(id)')
    assert.match(first?.description ?? '', /^Deploy [0-9a-f]{7}$/)
    assert.deepEqual([second?.subject, second?.kind], [undefined, 'push'])
  })

  it('shows lines as they come, not when all is over', async () => {
    const app = await newApp()
    const folder = await newCheckout()
    let deployed: Deploy | null = null
    api.play = async (deploy) => {
      deployed = deploy
      await appendDeployLog(api.context.store, deploy.id, ['-----> Compiling'])
    }
    const child = spawn('git', ['-C', folder, 'push', urlOf(app.name), 'main'], { env: environment() })
    const ended = once(child, 'close')
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
    await until(() => said.includes('-----> Compiling'))
    assert.ok(deployed)
    await goesLive(deployed)
    assert.equal((await ended)[0], 0)
  })

  it('fails the push when the deploy fails, leaves main where it was, and takes the same commit again', async () => {
    const app = await newApp()
    const folder = await newCheckout()
    api.play = fails
    const { code, said } = await talk(folder, 'push', urlOf(app.name), 'main')
    assert.equal(code, 1)
    assert.match(said, /Deploy failed: the build ended with code 1\./)
    assert.match(said, /pre-receive hook declined/)
    assert.equal(await mainOf(app), '')
    const objects = await readdir(join(api.context.repositories.pathOf(app.id), 'objects'))
    assert.deepEqual(objects.sort(), ['info', 'pack'])
    api.play = goesLive
    assert.equal((await talk(folder, 'push', urlOf(app.name), 'main')).code, 0)
  })

  it('stores other branches and tags, says so, and deletes them again', async () => {
    const app = await newApp()
    const folder = await newCheckout()
    await git(folder, 'tag', 'v1')
    await git(folder, 'branch', 'other')
    const head = await git(folder, 'rev-parse', 'HEAD')
    const stored = await talk(folder, 'push', urlOf(app.name), 'other', 'v1')
    assert.equal(stored.code, 0, stored.said)
    assert.match(stored.said, /Stored, not deployed: other, the tag v1\./)
    assert.match(stored.said, /Pushes to main or master deploy\. To deploy this one: git push berth other:main/)
    assert.deepEqual([await refOf(app, 'refs/heads/other'), api.submitted.length], [head, 0])
    assert.equal((await talk(folder, 'push', urlOf(app.name), 'main', 'main:third')).code, 0)
    assert.equal(api.submitted.length, 1)
    assert.equal((await talk(folder, 'push', urlOf(app.name), ':other', ':v1')).code, 0)
    assert.equal(await refOf(app, 'refs/heads/other'), '')
  })

  it('deploys master, or the branch that the app chose, and clones begin there', async () => {
    const app = await newApp()
    const folder = await newCheckout()
    assert.equal((await talk(folder, 'push', urlOf(app.name), 'main:master')).code, 0)
    assert.equal(api.submitted.length, 1)
    await setBuild(api.context.store, app.id, { ...defaultBuildSettings, branch: 'live' })
    await commit(folder, 'two')
    const stored = await talk(folder, 'push', urlOf(app.name), 'main:master')
    assert.match(stored.said, /Stored, not deployed: master/)
    assert.equal((await talk(folder, 'push', urlOf(app.name), 'main:live')).code, 0)
    assert.equal(api.submitted.length, 2)
    assert.equal((await talk(work, 'clone', '--quiet', urlOf(app.name), `copy-of-${app.name}`)).code, 0)
    assert.equal(await git(join(work, `copy-of-${app.name}`), 'branch', '--show-current'), 'live')
  })

  it('takes a push from a clone without history, as CI systems make them', async () => {
    const app = await newApp()
    const folder = await newCheckout()
    await commit(folder, 'two')
    await talk(work, 'clone', '--quiet', '--depth=1', `file://${folder}`, `shallow-${app.name}`)
    const shallow = join(work, `shallow-${app.name}`)
    assert.equal(await git(shallow, 'rev-list', '--count', 'HEAD'), '1')
    const first = await talk(shallow, 'push', urlOf(app.name), 'main')
    assert.equal(first.code, 0, first.said)
    await commit(folder, 'three')
    const second = await talk(folder, 'push', urlOf(app.name), 'main')
    assert.equal(second.code, 0, second.said)
  })

  it('G05 refuses other refs, two deploys at once, and to delete what is deployed', async () => {
    const app = await newApp()
    const folder = await newCheckout()
    const cases: [string[], RegExp][] = [
      [['main', 'main:master'], /changes both main and master/],
      [['main:refs/heads/-x'], /neither a branch nor a tag/],
      [['main:refs/notes/x'], /"refs\/notes\/x" is neither a branch nor a tag that Berth stores/],
    ]
    for (const [refs, sentence] of cases) {
      const { code, said } = await talk(folder, 'push', urlOf(app.name), ...refs)
      assert.equal(code, 1, said)
      assert.match(said, sentence)
    }
    assert.equal(api.submitted.length, 0)
    assert.equal((await talk(folder, 'push', urlOf(app.name), 'main')).code, 0)
    const deleted = await talk(folder, 'push', urlOf(app.name), ':main')
    assert.match(deleted.said, /main is what is deployed, so it cannot be deleted/)
    assert.notEqual(await mainOf(app), '')
  })

  it('G05 refuses a push of hundreds of refs', async () => {
    const app = await newApp()
    const folder = await newCheckout()
    const head = await git(folder, 'rev-parse', 'HEAD')
    const refs = Array.from({ length: 900 }, (_, i) => `create refs/tags/v${i} ${head}\n`).join('')
    await run(['git', '-C', folder, 'update-ref', '--stdin'], { env: environment(), input: refs })
    const { code, said } = await talk(folder, 'push', '--tags', urlOf(app.name))
    assert.equal(code, 1)
    assert.match(said, /changes more than 200 branches and tags at once/)
  })

  it('refuses a commit without files', async () => {
    const app = await newApp()
    const folder = await mkdtemp(join(work, 'empty-'))
    await git(folder, 'init', '--quiet', '--initial-branch=main')
    await git(folder, 'commit', '--quiet', '--allow-empty', '--message', 'nothing')
    const { code, said } = await talk(folder, 'push', urlOf(app.name), 'main')
    assert.equal(code, 1)
    assert.match(said, /holds no files/)
    assert.equal(api.submitted.length, 0)
  })

  it('G01 refuses malformed objects', async () => {
    const app = await newApp()
    const folder = await newCheckout()
    const blob = await git(folder, 'rev-parse', 'HEAD:server.js')
    const tree = (
      await run(['git', '-C', folder, 'mktree'], { env: environment(), input: `100644 blob ${blob}\t.GIT\n` })
    ).stdout.trim()
    const bad = await git(folder, 'commit-tree', tree, '-m', 'trick')
    const { code, said } = await talk(folder, 'push', urlOf(app.name), `${bad}:refs/heads/main`)
    assert.equal(code, 1)
    assert.match(said, /hasDotgit|unpack/i)
    assert.equal(api.submitted.length, 0)
  })

  it('G04 never runs a hook that lies in the repository, and runs git as a user of its own', async () => {
    const app = await newApp()
    const folder = await newCheckout()
    const hooks = join(api.context.repositories.pathOf(app.id), 'hooks')
    await mkdir(hooks)
    await writeFile(join(hooks, 'pre-receive'), `#!/bin/sh\ntouch ${work}/hooked\n`, { mode: 0o755 })
    await writeFile(join(hooks, 'post-receive'), `#!/bin/sh\ntouch ${work}/hooked\n`, { mode: 0o755 })
    assert.equal((await talk(folder, 'push', urlOf(app.name), 'main')).code, 0)
    assert.ok(!(await readdir(work)).includes('hooked'))
    const { stdout } = await run([
      'find',
      api.context.repositories.pathOf(app.id),
      '-path',
      '*/objects/*',
      '-printf',
      '%U\n',
    ])
    assert.deepEqual([...new Set(stdout.trim().split('\n'))], [String(GIT_UID)])
  })

  it('G09 deploys two pushes at once one after the other, and refuses the second if main moved', async () => {
    const app = await newApp()
    const one = await newCheckout()
    const two = await newCheckout()
    await commit(two, 'two')
    const waiting: Deploy[] = []
    api.play = (deploy) => {
      waiting.push(deploy)
      return Promise.resolve()
    }
    const first = talk(one, 'push', urlOf(app.name), 'main')
    await until(() => waiting.length === 1)
    let heard = ''
    const second = hear(two, ['push', urlOf(app.name), 'main'], (said) => (heard = said))
    await until(() => heard.includes('Waiting for the deploy before this one to end…'))
    assert.equal(api.submitted.length, 1)
    const [deploy] = waiting
    assert.ok(deploy)
    await goesLive(deploy)
    assert.equal((await first).code, 0)
    const { code, said } = await second
    assert.equal(code, 1)
    const head = await git(one, 'rev-parse', 'HEAD')
    assert.match(said, new RegExp(`main has moved from nothing to ${head.slice(0, 7)} while this push waited`))
    assert.equal(api.submitted.length, 1)
  })

  it('lets the second of two pushes deploy when the first one failed', async () => {
    const app = await newApp()
    const one = await newCheckout()
    const two = await newCheckout()
    await commit(two, 'two')
    const waiting: Deploy[] = []
    api.play = (deploy) => {
      waiting.push(deploy)
      return waiting.length > 1 ? goesLive(deploy) : Promise.resolve()
    }
    const first = talk(one, 'push', urlOf(app.name), 'main')
    await until(() => waiting.length === 1)
    const second = talk(two, 'push', urlOf(app.name), 'main')
    assert.ok(waiting[0])
    await fails(waiting[0])
    assert.equal((await first).code, 1)
    assert.equal((await second).code, 0)
    assert.equal(await mainOf(app), await git(two, 'rev-parse', 'HEAD'))
  })

  it('finishes an accepted deploy when the pusher leaves, and moves main with it', async () => {
    const app = await newApp()
    const folder = await newCheckout()
    let deployed: Deploy | null = null
    api.play = (deploy) => {
      deployed = deploy
      return Promise.resolve()
    }
    const child = spawn('git', ['-C', folder, 'push', urlOf(app.name), 'main'], { env: environment(), detached: true })
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
    const ended = once(child, 'close')
    await until(() => said.includes('accepted'))
    assert.ok(child.pid !== undefined && deployed)
    process.kill(-child.pid, 'SIGINT')
    await ended
    await goesLive(deployed)
    const head = await git(folder, 'rev-parse', 'HEAD')
    await until(async () => (await mainOf(app)) === head)
  })

  it('C18 takes no recorded request of a token that was revoked, or has expired', async () => {
    const app = await newApp()
    const folder = await newCheckout()
    const ends = {
      revoked: (token: string) => api.call(api.operator, 'DELETE', `/v1/tokens/${token.split('_')[1]}`),
      expired: async (token: string) => {
        const id = token.split('_')[1] as TokenId
        const known = await loadToken(api.context.store, id)
        assert.ok(known)
        await saveToken(api.context.store, { ...known, expiresAt: Date.now() - 1 })
      },
    }
    for (const [how, end] of Object.entries(ends)) {
      const token = await aToken(api, { tenant: 'alpha', role: 'member' })
      const replayed = () =>
        fetch(`${api.url}/git/${app.name}.git/info/refs?service=git-upload-pack`, {
          headers: { authorization: `Basic ${Buffer.from(`x:${token}`).toString('base64')}` },
        })
      assert.equal((await replayed()).status, 200, how)
      await end(token)
      assert.equal((await replayed()).status, 401, how)
      assert.match((await talk(folder, 'push', urlOf(app.name, token), 'main')).said, /Authentication failed/, how)
    }
    assert.equal(api.submitted.length, 0)
  })

  it('G08 asks for a token before it says whether there is such an app', async () => {
    const app = await newApp()
    const folder = await newCheckout()
    const path = '/info/refs?service=git-receive-pack'
    const answers = []
    for (const name of [app.name, 'nothing']) {
      for (const authorization of [
        undefined,
        `Basic ${Buffer.from('x:wrong').toString('base64')}`,
        `Bearer ${member}`,
      ]) {
        const response = await fetch(`${api.url}/git/${name}.git${path}`, {
          headers: authorization ? { authorization } : {},
        })
        assert.equal(response.headers.get('www-authenticate'), 'Basic realm="Berth", charset="UTF-8"')
        const body = (await response.json()) as Record<string, unknown>
        answers.push(JSON.stringify([response.status, { ...body, requestId: '' }]))
      }
    }
    assert.equal(new Set(answers).size, 1)
    assert.match(answers[0] ?? '', /^\[401/)
    assert.match((await talk(folder, 'push', urlOf(app.name, 'wrong'), 'main')).said, /Authentication failed/)
    const stranger = await api.member('beta')
    assert.match((await talk(folder, 'push', urlOf(app.name, stranger), 'main')).said, /not found/)
    assert.equal(api.submitted.length, 0)
  })

  it('G03 G06 serves the three calls of the protocol and no file of any repository', async () => {
    const app = await newApp()
    const authorization = `Basic ${Buffer.from(`x:${member}`).toString('base64')}`
    const paths = [
      `/git/${app.name}.git/HEAD`,
      `/git/${app.name}.git/config`,
      `/git/${app.name}.git/objects/info/packs`,
      `/git/${app.name}/info/refs?service=git-upload-pack`,
      `/git/${app.id}.git/info/refs?service=git-upload-pack`,
      `/git/..%2f${app.name}.git/info/refs`,
      `/git/%2e%2e/${app.name}.git/info/refs`,
      `/git/${app.name.toUpperCase()}.git/info/refs`,
      `/git/${app.name}.git/git-receive-pack`,
      `/git/`,
    ]
    for (const path of paths) {
      const { status } = await fetch(api.url + path, { headers: { authorization } })
      assert.equal(status, 404, path)
    }
  })
})
