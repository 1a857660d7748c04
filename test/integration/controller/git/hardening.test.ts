import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { request, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { run } from '#core/runtime/process.ts'
import { sleep } from '#core/runtime/clock.ts'
import type { App } from '#core/domain/app.ts'
import type { AppName } from '#core/domain/ids.ts'
import { findApp } from '#core/store/apps.ts'
import { openRepositories, type Repository } from '../../../../controller/git/repositories.ts'
import { silentLog } from '#core/runtime/log.ts'
import { endDeploy, startApi, type TestApi } from '../../../helpers/api.ts'

const MAX_MB = 4

describe('git, hardened', function () {
  this.timeout(120_000)
  let api: TestApi
  let member: string
  let work: string
  let apps = 0

  before(async () => {
    api = await startApi({ sourceBytes: MAX_MB * 1024 ** 2 })
    member = await api.member('alpha')
    work = await mkdtemp(join(tmpdir(), 'berth-hard-'))
  })
  after(async () => {
    await api.stop()
    await rm(work, { recursive: true, force: true })
  })
  beforeEach(() => {
    api.submitted.length = 0
    api.play = (deploy) => endDeploy(api, deploy, { state: 'succeeded', release: 1 })
  })

  const environment = () => ({
    PATH: process.env['PATH'],
    HOME: work,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    ...Object.fromEntries(
      ['AUTHOR', 'COMMITTER'].flatMap((who) => [
        [`GIT_${who}_NAME`, 'a'],
        [`GIT_${who}_EMAIL`, 'a@b.c'],
      ]),
    ),
  })
  const git = async (folder: string, args: string[], input?: string) =>
    (
      await run(['git', '-C', folder, ...args], { env: environment(), ...(input === undefined ? {} : { input }) })
    ).stdout.trim()
  const begin = (folder: string, app: App) => {
    const url = `${api.url.replace('//', `//x:${member}@`)}/git/${app.name}.git`
    const child = spawn('git', ['-C', folder, 'push', url, 'HEAD:refs/heads/main'], {
      env: environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
    const ended = (once(child, 'close') as Promise<[number]>).then(([code]) => ({ code, said }))
    return { child, ended, said: () => said }
  }
  const push = (folder: string, app: App) => begin(folder, app).ended

  const newApp = async (): Promise<App> => {
    const name = `app${++apps}`
    await api.call(member, 'POST', '/v1/apps', { name })
    const app = await findApp(api.context.store, name as AppName)
    assert.ok(app)
    return app
  }
  const newCheckout = async (files: Record<string, string | Buffer> = { 'server.js': 'x' }) => {
    const folder = await mkdtemp(join(work, 'checkout-'))
    await git(folder, ['init', '--quiet', '--initial-branch=main'])
    for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content)
    await git(folder, ['add', '.'])
    await git(folder, ['commit', '--quiet', '--message', 'one'])
    return folder
  }
  const objectsOf = (app: App) => join(api.context.repositories.pathOf(app.id), 'objects')
  const untilNothingLeft = async (app: App) => {
    while ((await readdir(objectsOf(app))).some((name) => name !== 'info' && name !== 'pack')) await sleep(50)
    assert.deepEqual(await readdir(join(objectsOf(app), 'pack')), [])
  }
  const inside = async (repository: Repository, ...argv: [string, ...string[]]) =>
    (await run(repository.commandLine(argv), { env: repository.env })).stdout.trim()

  it('G04 gives git one repository, no network, no other process and no rights', async () => {
    const [one, other] = [await newApp(), await newApp()]
    const repository = await api.context.repositories.open(one.id)
    assert.equal(await inside(repository, 'ls', '/'), 'bin\ndev\nhooks\nlib\nlib64\nrepository\nusr')
    const otherPath = api.context.repositories.pathOf(other.id)
    await assert.rejects(inside(repository, 'ls', otherPath), /No such file/)
    await assert.rejects(inside(repository, 'ls', api.home), /No such file/)
    await assert.rejects(inside(repository, 'touch', '/hooks/post-receive'), /Read-only file system/)
    const talk = ['python3', '-c', "import socket; socket.create_connection(('127.0.0.1', int('PORT')), 2)"]
    const port = new URL(api.url).port
    await assert.rejects(
      inside(repository, talk[0] ?? '', talk[1] ?? '', (talk[2] ?? '').replace('PORT', port)),
      /Connection refused|Network is unreachable/,
    )
    assert.match(
      await inside(repository, 'setpriv', '--dump'),
      /uid: 268435455[^]*Effective capabilities: \[none\]|no_new_privs: 1/,
    )
    const bomb = 'x = bytearray(2 * 1024 ** 3)'
    await assert.rejects(inside(repository, 'python3', '-c', bomb), /MemoryError/)
    await assert.rejects(
      inside(repository, 'dd', 'if=/dev/zero', 'of=/repository/large', 'bs=1M', 'count=9'),
      /File too large|SIGXFSZ|failed/,
    )
    await rm(join(api.context.repositories.pathOf(one.id), 'large'), { force: true })
  })

  it('G02 refuses a push that is larger than what an app may take, with nothing left on disk', async () => {
    const app = await newApp()
    const { code, said } = await push(await newCheckout({ 'large.bin': randomBytes(2 * MAX_MB * 1024 ** 2) }), app)
    assert.notEqual(code, 0)
    assert.match(said, /remote: fatal: pack exceeds maximum allowed size \(4\.00 MiB\)/)
    await untilNothingLeft(app)
    assert.equal(api.submitted.length, 0)
  })

  it('G02 refuses at the first call what a full repository cannot take, and says what to do', async () => {
    const app = await newApp()
    for (let i = 0; i < 2; i++) {
      const { code, said } = await push(await newCheckout({ 'b.bin': randomBytes(2.2 * 1024 ** 2) }), app)
      if (i === 0) assert.equal(code, 0, said)
      else assert.match(said, /pack exceeds maximum allowed size|rejected/)
    }
    const small = await newCheckout({ 'b.bin': randomBytes(1.75 * 1024 ** 2) })
    await git(small, ['fetch', '--quiet', `${api.url.replace('//', `//x:${member}@`)}/git/${app.name}.git`, 'main'])
    await git(small, ['merge', '--quiet', '--allow-unrelated-histories', '-X', 'ours', '-m', 'x', 'FETCH_HEAD'])
    assert.equal((await push(small, app)).code, 0)
    await writeFile(join(small, 'c.bin'), randomBytes(512 * 1024))
    await git(small, ['add', '.'])
    await git(small, ['commit', '--quiet', '-m', 'more'])
    const { code, said } = await push(small, app)
    assert.notEqual(code, 0)
    assert.match(said, /pack exceeds maximum allowed size|The repository of app\d+ holds \d+ MB, and 4 MB is the most/)
  })

  it('G02 refuses a commit that unfolds to more than it is, before anything unfolds it', async () => {
    const app = await newApp()
    const folder = await newCheckout()
    let entry = `100644 blob ${await git(folder, ['rev-parse', 'HEAD:server.js'])}\tf\n`
    for (let level = 0; level < 8; level++) {
      const object = entry.slice(entry.indexOf(' ', 8) + 1, entry.indexOf('\t'))
      const [mode, type] = level === 0 ? ['100644', 'blob'] : ['040000', 'tree']
      const names = Array.from({ length: 10 }, (_, i) => `${mode} ${type} ${object}\t${i}\n`).join('')
      entry = `040000 tree ${await git(folder, ['mktree'], names)}\tf\n`
    }
    const tree = entry.slice(12, 52)
    const bomb = await git(folder, ['commit-tree', tree, '-m', 'bomb'])
    await git(folder, ['reset', '--quiet', '--soft', bomb])
    const { code, said } = await push(folder, app)
    assert.equal(code, 1)
    assert.match(said, /This commit holds more than 200000 files/)
    await untilNothingLeft(app)
    const zeros = await newCheckout({ 'zeros.bin': Buffer.alloc((MAX_MB + 1) * 1024 ** 2) })
    assert.match(
      (await push(zeros, app)).said,
      /files are longer than 4 MB together; "zeros\.bin" alone has 5242880 bytes/,
    )
  })

  it('G10 says which files are LFS pointers and which folders submodules, and deploys', async () => {
    const app = await newApp()
    const folder = await newCheckout({
      'server.js': 'x',
      '.gitattributes': '*.psd filter=lfs diff=lfs merge=lfs -text\n',
      'art.psd': `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 123456\n`,
      'text.md': 'y'.repeat(130),
    })
    const head = await git(folder, ['rev-parse', 'HEAD'])
    await git(folder, ['update-index', '--add', '--cacheinfo', `160000,${head},vendor/lib`])
    await git(folder, ['commit', '--quiet', '-m', 'submodule'])
    const { code, said } = await push(folder, app)
    assert.equal(code, 0, said)
    assert.match(said, /vendor\/lib is a submodule: other repositories, whose files are not in this push/)
    assert.match(said, /art\.psd is a Git LFS pointer: the content is not in this push/)
  })

  it('S29: takes names with newlines, of no encoding and of 255 bytes, and links that lead in circles or out, as they are', async () => {
    const app = await newApp()
    const folder = await newCheckout()
    const blob = await git(folder, ['rev-parse', 'HEAD:server.js'])
    const linkTo = (target: string) => git(folder, ['hash-object', '-w', '--stdin'], target)
    const files = ['new\nline', 'no-\xff\xfe-encoding', 'x'.repeat(255)].map((name) => `100644 ${blob}\t${name}`)
    const links = [`120000 ${await linkTo('circle')}\tcircle`, `120000 ${await linkTo('/etc/shadow')}\tout`]
    const index = spawn('git', ['-C', folder, 'update-index', '-z', '--index-info'], { env: environment() })
    index.stdin.end(Buffer.from([...files, ...links].map((line) => `${line}\0`).join(''), 'latin1'))
    await once(index, 'close')
    await git(folder, ['commit', '--quiet', '-m', 'odd'])
    const kept = join(work, 'odd.tar')
    api.play = async (deploy) => {
      await copyFile(join(api.home, 'sources', `${deploy.id}.tar`), kept)
      await endDeploy(api, deploy, { state: 'succeeded', release: 1 })
    }
    const { code, said } = await push(folder, app)
    assert.equal(code, 0, said)
    const listed = (await run(['tar', '--quoting-style=escape', '-tvf', kept], { env: { LC_ALL: 'C' } })).stdout
    for (const name of [
      'new\\nline',
      'no-\\377\\376-encoding',
      'x'.repeat(255),
      'circle -> circle',
      'out -> /etc/shadow',
    ])
      assert.ok(listed.includes(name), `${name} in:\n${listed}`)
  })

  it('G01 refuses tricks with .gitmodules and broken trees, and takes what old tools wrote', async () => {
    const app = await newApp()
    const folder = await newCheckout()
    const modules = await git(
      folder,
      ['hash-object', '-w', '--stdin'],
      '[submodule "x"]\n\tpath = x\n\turl = -u./payload\n',
    )
    const tree = await git(folder, ['mktree'], `100644 blob ${modules}\t.gitmodules\n`)
    await git(folder, ['reset', '--quiet', '--soft', await git(folder, ['commit-tree', tree, '-m', 'x'])])
    const { code, said } = await push(folder, app)
    assert.equal(code, 1)
    assert.match(said, /gitmodulesUrl/)
    const old = await newCheckout()
    const text = (await git(old, ['cat-file', 'commit', 'HEAD'])).replace(/ [+-]\d{4}$/gm, ' +051800')
    const strange = await git(old, ['hash-object', '-t', 'commit', '-w', '--literally', '--stdin'], `${text}\n`)
    await git(old, ['update-ref', 'refs/heads/main', strange])
    const taken = await push(old, app)
    assert.equal(taken.code, 0, taken.said)
  })

  it('leaves nothing of a push that is broken off in the middle', async () => {
    const app = await newApp()
    await api.context.repositories.open(app.id)
    const sending = request(`${api.url}/git/${app.name}.git/git-receive-pack`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`x:${member}`).toString('base64')}`,
        'content-type': 'application/x-git-receive-pack-request',
      },
    })
    sending.on('error', () => {})
    const line = `${'0'.repeat(40)} ${'a'.repeat(40)} refs/heads/main\0report-status side-band-64k`
    sending.write(`${(line.length + 4).toString(16).padStart(4, '0')}${line}0000`)
    // The head of a pack of 1,000 objects and none of them, so that git waits for more.
    sending.write(Buffer.from('PACK\0\0\0\x02\0\0\x03\xe8', 'latin1'))
    while (!(await readdir(objectsOf(app))).some((name) => name.includes('incoming'))) await sleep(20)
    sending.destroy()
    await untilNothingLeft(app)
    assert.equal((await push(await newCheckout(), app)).code, 0)
  })

  it('sweeps at its start what a controller that was killed left of a push', async () => {
    const app = await newApp()
    const left = join(objectsOf(app), 'tmp_objdir-incoming-AbCd12')
    await mkdir(join(left, 'pack'), { recursive: true })
    await run(['chown', '-R', '268435455:268435455', left])
    await openRepositories(api.home, { maxBytes: 1, isSandboxed: true }, silentLog)
    await untilNothingLeft(app)
  })

  it('G07 reads no more of a compressed body than it may unfold to, and takes no lies about its length', async () => {
    const app = await newApp()
    const headers = { authorization: `Basic ${Buffer.from(`x:${member}`).toString('base64')}` }
    const path = `${api.url}/git/${app.name}.git/git-upload-pack`
    const type = { 'content-type': 'application/x-git-upload-pack-request' }
    const bomb = gzipSync(Buffer.alloc(80 * 1024 ** 2, '0014command=ls-refs\n'))
    const answer = await fetch(path, {
      method: 'POST',
      headers: { ...headers, ...type, 'content-encoding': 'gzip', 'git-protocol': 'version=2' },
      body: new Uint8Array(bomb),
    }).catch(() => null)
    await answer?.arrayBuffer().catch(() => null)
    const wrong = await fetch(path, {
      method: 'POST',
      headers: { ...headers, ...type, 'content-encoding': 'br' },
      body: 'x',
    })
    assert.equal(wrong.status, 415)
    const untyped = await fetch(path, { method: 'POST', headers, body: 'x' })
    assert.equal(untyped.status, 415)
    const lying = request(path, { method: 'POST', headers: { ...headers, ...type, 'content-length': 10 ** 12 } })
    const answered = once(lying, 'response') as Promise<[IncomingMessage]>
    lying.on('error', () => {})
    lying.write('0000')
    assert.equal((await answered)[0].statusCode, 413)
    lying.destroy()
    assert.equal((await push(await newCheckout(), app)).code, 0)
  })

  it('G02 takes many pushes at once, a few at a time, and all of them get through', async () => {
    const many = await Promise.all(
      Array.from({ length: 8 }, async () => ({ app: await newApp(), folder: await newCheckout() })),
    )
    const ended = await Promise.all(many.map(({ app, folder }) => push(folder, app)))
    assert.deepEqual(
      ended.map(({ code }) => code),
      many.map(() => 0),
      ended.map(({ said }) => said).join('\n'),
    )
  })
})
