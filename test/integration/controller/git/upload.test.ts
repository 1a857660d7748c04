import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { sleep } from '#core/runtime/clock.ts'
import { run } from '#core/runtime/process.ts'
import { appendDeployLog } from '#core/store/deploys.ts'
import type { Deploy } from '#core/domain/release.ts'
import { endDeploy, startApi, type TestApi } from '../../../helpers/api.ts'
import { launcher } from '../../cli/harness.ts'

const MAX_MB = 4

describe('berth deploy', function () {
  this.timeout(60_000)
  let api: TestApi
  let member: string
  let work: string
  let kept: string

  before(async () => {
    api = await startApi({ sourceBytes: MAX_MB * 1024 ** 2 })
    member = await api.member('alpha')
    work = await mkdtemp(join(tmpdir(), 'berth-upload-'))
    kept = join(work, 'kept.tar')
    await api.call(member, 'POST', '/v1/apps', { name: 'shop' })
  })
  after(async () => {
    await api.stop()
    await rm(work, { recursive: true, force: true })
  })
  beforeEach(() => {
    api.submitted.length = 0
    api.play = goesLive
  })

  const goesLive = async (deploy: Deploy) => {
    await copyFile(join(api.home, 'sources', `${deploy.id}.tar`), kept)
    await endDeploy(api, deploy, { state: 'succeeded', release: 3 }, ['-----> Building'])
  }

  const folderWith = async (files: Record<string, string>) => {
    const folder = await mkdtemp(join(work, 'app-'))
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), text)
    }
    return folder
  }
  const start = (...args: string[]) => {
    const child = spawn(launcher, args, {
      env: { ...process.env, BERTH_API_URL: api.url, BERTH_TOKEN: member, XDG_CONFIG_HOME: work },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
    const ended = once(child, 'close') as Promise<[code: number | null, signal: string | null]>
    return { ended, said: () => said, kill: (signal: NodeJS.Signals) => child.kill(signal) }
  }
  const berth = async (...args: string[]) => {
    const { ended, said } = start(...args)
    const [code] = await ended
    return { code, said: said() }
  }
  const nothingKept = async () => {
    while ((await readdir(join(api.home, 'sources'))).length > 0) await sleep(50)
  }
  const listed = async () => (await run(['tar', '-tf', kept])).stdout.trim().split('\n')

  it('sends what .gitignore and .slugignore leave, names, links and rights included, and shows how it goes', async () => {
    const long = `${'deep/'.repeat(25)}ünïcode.txt`
    const folder = await folderWith({
      'server.js': 'x',
      '.gitignore': 'node_modules/\n*.log\n!keep.log\n',
      '.slugignore': 'docs/\n',
      'node_modules/a/index.js': '',
      'a.log': '',
      'keep.log': '',
      'docs/guide.md': '',
      'lib/.gitignore': 'made.js\n',
      'lib/made.js': '',
      'lib/kept.js': '',
      '.git/config': 'secret',
      [long]: 'long',
    })
    await writeFile(join(folder, 'start'), '#!/bin/sh\n', { mode: 0o755 })
    await symlink('server.js', join(folder, 'main.js'))
    await run(['mkfifo', join(folder, 'pipe')])
    const { code, said } = await berth('deploy', folder, '-a', 'shop', '--message', 'By hand')
    assert.equal(code, 0, said)
    assert.match(said, /Left out pipe: it is neither a file, a folder nor a link/)
    assert.match(said, /Sending 9 files, [\d.]+ KiB, to shop …[^]*-----> Building[^]*shop runs v3/)
    const names = (await listed()).filter((name) => !name.endsWith('/'))
    const expected = [
      '.gitignore',
      '.slugignore',
      'keep.log',
      'lib/.gitignore',
      'lib/kept.js',
      'main.js',
      'server.js',
      'start',
    ]
    assert.deepEqual(names.filter((name) => !name.startsWith('deep')).sort(), expected)
    const unpacked = await mkdtemp(join(work, 'unpacked-'))
    await run(['tar', '-xf', kept, '-C', unpacked])
    await run([
      'test',
      '-x',
      join(unpacked, 'start'),
      '-a',
      '-L',
      join(unpacked, 'main.js'),
      '-a',
      '-s',
      join(unpacked, long),
    ])
    const [request] = api.submitted
    assert.deepEqual([request?.kind, request?.commit, request?.actor], ['push', null, 'member of alpha'])
    assert.equal(request?.description, `By hand (sha256:${request?.source?.slice(0, 12)})`)
    await nothingKept()
  })

  it('makes the same archive of the same files, and leaves out node_modules where there is no .gitignore', async () => {
    const files = { 'b.js': '1', 'a/c.js': '2', 'node_modules/x.js': '' }
    for (const folder of [await folderWith(files), await folderWith(files)])
      assert.equal((await berth('deploy', folder, '-a', 'shop', '--detach')).code, 0)
    const [one, two] = api.submitted
    assert.equal(one?.source, two?.source)
    assert.deepEqual(await listed(), ['a/', 'a/c.js', 'b.js'])
    assert.match(one?.description ?? '', /^Deploy the folder app-\w+ \(sha256:/)
  })

  it('fails when the deploy fails, and refuses what is no folder or holds nothing', async () => {
    api.play = (deploy) => endDeploy(api, deploy, { state: 'failed', error: 'no buildpack' })
    const failed = await berth('deploy', await folderWith({ x: '' }), '-a', 'shop')
    assert.equal(failed.code, 1)
    assert.match(failed.said, /The deploy failed: no buildpack/)
    assert.match(
      (await berth('deploy', await folderWith({}), '-a', 'shop')).said,
      /holds no files .* nothing to deploy/,
    )
    assert.match((await berth('deploy', join(work, 'missing'), '-a', 'shop')).said, /missing is not a folder/)
  })

  it('sends a .jar or .war alone, whatever .gitignore says of it, and no other single file', async () => {
    const folder = await folderWith({ 'target/shop.war': 'PK', 'target/other.txt': 'x', '.gitignore': 'target/\n' })
    const { code, said } = await berth('deploy', join(folder, 'target/shop.war'), '-a', 'shop')
    assert.equal(code, 0, said)
    assert.deepEqual(await listed(), ['shop.war'])
    assert.match(api.submitted[0]?.description ?? '', /^Deploy shop\.war \(sha256:/)
    const other = await berth('deploy', join(folder, 'target/other.txt'), '-a', 'shop')
    assert.equal(other.code, 2)
    assert.match(other.said, /other\.txt is a file\. Name its folder; only a \.jar or \.war is deployed alone/)
  })

  it('goes on when its sender presses Ctrl-C, says so, and can be picked up', async () => {
    const { promise: finished, resolve: finish } = Promise.withResolvers<void>()
    api.play = async (deploy) => {
      await appendDeployLog(api.context.store, deploy.id, ['-----> Running the release command: node migrate.js'])
      await finished
      await goesLive(deploy)
    }
    const child = start('deploy', await folderWith({ 'server.js': 'x' }), '-a', 'shop')
    while (!child.said().includes('Running the release command')) await sleep(20)
    child.kill('SIGINT')
    assert.deepEqual(await child.ended, [null, 'SIGINT'])
    const [request] = api.submitted
    assert.match(
      child.said(),
      new RegExp(`The deploy goes on\\. To see it again: berth deploys:log ${request?.id} -a shop`),
    )
    const followed = start('builds:output', '-t', '-a', 'shop')
    while (!followed.said().includes('Running the release command')) await sleep(20)
    finish()
    assert.deepEqual(await followed.ended, [0, null], followed.said())
    assert.match(followed.said(), /-----> Building/)
    await nothingKept()
  })

  it('G02 refuses a folder that is too large before it is sent, and keeps nothing', async () => {
    const folder = await folderWith({ 'server.js': '' })
    await writeFile(join(folder, 'large.bin'), '')
    await truncate(join(folder, 'large.bin'), 2 * 1024 ** 3)
    const { code, said } = await berth('deploy', folder, '-a', 'shop')
    assert.equal(code, 1)
    assert.match(said, /larger than 4194304 bytes/)
    assert.equal(api.submitted.length, 0)
    await nothingKept()
  })

  it('keeps nothing of an upload that is cut, lies about its length, or is no archive', async () => {
    const path = '/v1/apps/shop/source'
    const headers = { authorization: `Bearer ${member}`, 'content-type': 'application/x-tar' }
    const tar = Buffer.alloc(100_000)
    const cut = request(api.url + path, { method: 'POST', headers: { ...headers, 'content-length': 1_000_000 } })
    cut.on('error', () => {})
    cut.write(tar)
    await sleep(200)
    cut.destroy()
    await nothingKept()
    const send = async (body: string | Buffer, more: Record<string, string> = {}) => {
      const response = await fetch(api.url + path, {
        method: 'POST',
        headers: { ...headers, ...more },
        body: new Uint8Array(Buffer.from(body)),
      })
      return `${response.status} ${((await response.json()) as { detail: string }).detail}`
    }
    assert.match(await send('x'), /^400 The upload broke off before its first file/)
    assert.match(await send(tar), /^400 The upload holds no files/)
    assert.match(await send('x'.repeat(600)), /^400 The upload is not a tar archive/)
    assert.match(await send('x', { 'content-type': 'application/zip' }), /^415/)
    assert.match(await send('x', { 'content-encoding': 'gzip' }), /^415/)
    // Without a length, its bytes are counted.
    const chunked = request(api.url + path, { method: 'POST', headers })
    const archive = await folderWith({ a: 'x' })
    await run(['tar', '-cf', kept, '-C', archive, 'a'])
    const head = (await readFile(kept)).subarray(0, 1024)
    const answered = once(chunked, 'response') as Promise<[{ statusCode: number; resume(): void }]>
    chunked.on('error', () => {})
    chunked.write(head)
    for (let sent = 0; sent <= MAX_MB; sent++) chunked.write(Buffer.alloc(1024 ** 2))
    chunked.end()
    const [response] = await answered
    response.resume()
    assert.equal(response.statusCode, 413)
    assert.equal(api.submitted.length, 0)
    await nothingKept()
  })
})
