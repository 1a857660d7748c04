import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ssh2 from 'ssh2'
import { run } from '#core/runtime/process.ts'
import { saveSshHostKey } from '#core/store/ssh-keys.ts'
import type { Slots } from '../../../../controller/git/slots.ts'
import { loadHostKey } from '../../../../controller/ssh/host-key.ts'
import type { AuditEntryView } from '#core/contract/audit.ts'
import { endDeploy, startApi, type TestApi } from '../../../helpers/api.ts'
import { openDoor, publicPart, type TestDoor } from '../../../helpers/ssh.ts'

describe('git over SSH', function () {
  this.timeout(60_000)
  let api: TestApi
  let door: TestDoor
  let member: string
  let key: string
  let work: string

  before(async () => {
    api = await startApi()
    door = await openDoor(api)
    member = await api.member('alpha')
    work = await mkdtemp(join(tmpdir(), 'berth-ssh-work-'))
    key = await door.newKey()
    const added = await add(member, key)
    assert.equal(added.status, 201)
    for (const name of ['shop', 'blog']) await api.call(member, 'POST', '/v1/apps', { name })
    api.play = (deploy) => endDeploy(api, deploy, { state: 'succeeded', release: 7 }, ['-----> Building'])
  })
  after(async () => {
    await door.stop()
    await api.stop()
    await rm(work, { recursive: true, force: true })
  })

  const add = async (token: string, file: string, body: object = {}) =>
    api.call(token, 'POST', '/v1/keys', { key: await publicPart(file), ...body })

  const environment = (own = key) => ({
    PATH: process.env['PATH'],
    HOME: work,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_SSH_COMMAND: door.sshCommand(own),
    ...Object.fromEntries(
      ['AUTHOR', 'COMMITTER'].flatMap((who) => [
        [`GIT_${who}_NAME`, 'a'],
        [`GIT_${who}_EMAIL`, 'a@b.c'],
      ]),
    ),
  })
  const talk = async (args: string[], own = key) => {
    const child = spawn('git', args, { env: environment(own), cwd: work, stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
    const [code] = (await once(child, 'close')) as [number]
    return { code, said }
  }
  const urlOf = (app: string) => `ssh://git@127.0.0.1:${door.port}/${app}.git`

  const newCheckout = async () => {
    const folder = await mkdtemp(join(work, 'checkout-'))
    await writeFile(join(folder, 'server.js'), folder)
    const git = (...args: string[]) => run(['git', '-C', folder, ...args], { env: environment() })
    await git('init', '--quiet', '--initial-branch=main')
    await git('add', '.')
    await git('commit', '--quiet', '--message', 'one')
    return folder
  }

  it('deploys what is pushed, shows how it goes, names who did it, and gives it back to a clone', async () => {
    const folder = await newCheckout()
    const pushed = await talk(['-C', folder, 'push', urlOf('shop'), 'main'])
    assert.equal(pushed.code, 0, pushed.said)
    assert.match(pushed.said, /-----> Building[^]*v7 is live at http:\/\/shop\.localhost/)
    assert.equal(api.submitted.at(-1)?.actor, 'me@machine1')
    const cloned = await talk(['clone', '--quiet', urlOf('shop'), 'shop-copy'])
    assert.equal(cloned.code, 0, cloned.said)
    assert.equal(await readFile(join(work, 'shop-copy', 'server.js'), 'utf8'), folder)
    const { body } = await api.call(api.operator, 'GET', '/v1/audit?limit=500')
    const written = (body.entries as AuditEntryView[]).toReversed().filter(({ requestId }) => requestId === 'ssh')
    assert.deepEqual(
      written
        .slice(0, 3)
        .map(({ operation, actor, app, result }) => [operation, actor.name, app, result.code ?? result.status]),
      [
        ['ssh login', 'me@machine1', null, 200],
        ['git push', 'me@machine1', 'shop', 'BEGUN'],
        ['git push', 'me@machine1', 'shop', 200],
      ],
    )
  })

  it('fails the push when the deploy fails', async () => {
    api.play = (deploy) => endDeploy(api, deploy, { state: 'failed', error: 'no buildpack' })
    const { code, said } = await talk(['-C', await newCheckout(), 'push', urlOf('blog'), 'main'])
    api.play = (deploy) => endDeploy(api, deploy, { state: 'succeeded', release: 7 }, ['-----> Building'])
    assert.equal(code, 1)
    assert.match(said, /Deploy failed: no buildpack\./)
  })

  it('lets an accepted deploy go on when the pusher leaves', async () => {
    const folder = await newCheckout()
    let finish = () => {}
    api.play = async (deploy) => {
      await new Promise<void>((resolve) => (finish = resolve))
      await endDeploy(api, deploy, { state: 'succeeded', release: 8 })
    }
    const child = spawn('git', ['-C', folder, 'push', '--force', urlOf('blog'), 'main'], {
      env: environment(),
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
    const closed = once(child, 'close')
    while (!said.includes('It goes on if you press Ctrl-C')) await new Promise((resolve) => setTimeout(resolve, 20))
    assert.match(said, /berth builds:output -t -a blog/)
    process.kill(-(child.pid ?? 0), 'SIGINT')
    await closed
    finish()
    const head = (await run(['git', '-C', folder, 'rev-parse', 'HEAD'])).stdout.trim()
    for (;;) {
      const { said: refs } = await talk(['ls-remote', urlOf('blog'), 'refs/heads/main'])
      if (refs.startsWith(head)) break
    }
    api.play = (deploy) => endDeploy(api, deploy, { state: 'succeeded', release: 7 }, ['-----> Building'])
  })

  it('G03 G08 lets nobody in without a key that was added, and nobody to what is not theirs', async () => {
    const stranger = await door.newKey()
    const unknown = await door.ssh(stranger, [], "git-upload-pack '/shop.git'")
    assert.equal(unknown.code, 255)
    assert.match(unknown.said, /Permission denied \(publickey\)/)
    assert.equal((await add(await api.member('beta'), stranger)).status, 201)
    const foreign = await talk(['ls-remote', urlOf('shop')], stranger)
    assert.match(foreign.said, /There is no app "shop" here, or it is not yours/)
    const missing = await talk(['ls-remote', urlOf('nothing')], stranger)
    assert.match(missing.said, /There is no app "nothing" here, or it is not yours/)
  })

  it('gives no shell, no other command, no environment, no terminal, no forwarding and no files', async () => {
    const shell = await door.ssh(key, ['-T'])
    assert.equal(shell.code, 1)
    assert.match(shell.said, /Welcome, me@machine1 of alpha\. There is no shell here, only git/)
    for (const command of [
      'ls',
      'sh -c id',
      "git-upload-pack '/shop.git'; id",
      "git-upload-pack '../../etc'",
      "git-upload-archive 'shop.git'",
    ]) {
      const { code, said } = await door.ssh(key, [], command)
      assert.equal(code, 128, command)
      assert.match(said, /Only git push, fetch and clone work here/, command)
    }
    const terminal = await door.ssh(key, ['-tt', '-A', '-o', 'SetEnv=LD_PRELOAD=/x'], "git-upload-pack 'blog.git'")
    assert.match(terminal.said, /PTY allocation request failed/)
    const forward = await door.ssh(key, ['-W', '127.0.0.1:22'])
    assert.match(forward.said, /administratively prohibited/)
    const files = await door.ssh(key, ['-s'], 'sftp')
    assert.match(files.said, /subsystem request failed/)
    const tunnel = await door.ssh(key, ['-o', 'ExitOnForwardFailure=yes', '-N', '-R', '0:127.0.0.1:22'])
    assert.match(tunnel.said, /remote port forwarding failed|forwarding failed/i)
  })

  it('takes RSA with SHA-2 and elliptic curves, and no SHA-1, no CBC', async () => {
    for (const args of [
      ['-t', 'rsa', '-b', '2048'],
      ['-t', 'ecdsa', '-b', '256'],
      ['-t', 'ecdsa', '-b', '521'],
    ]) {
      const own = await door.newKey(...args)
      assert.equal((await add(member, own)).status, 201)
      const { code, said } = await talk(['ls-remote', urlOf('shop')], own)
      assert.equal(code, 0, said)
    }
    const rsa = await door.newKey('-t', 'rsa', '-b', '2048')
    await add(member, rsa)
    const sha1 = await door.ssh(rsa, ['-o', 'PubkeyAcceptedAlgorithms=ssh-rsa'], "git-upload-pack '/shop.git'")
    assert.equal(sha1.code, 255)
    assert.match(sha1.said, /Permission denied|no mutual signature/)
    const old = [['KexAlgorithms=diffie-hellman-group14-sha1'], ['Ciphers=aes128-cbc'], ['MACs=hmac-sha1']]
    for (const [option = ''] of old) {
      const ciphers = option.startsWith('MACs') ? ['-o', 'Ciphers=aes256-ctr'] : []
      const { said } = await door.ssh(key, [...ciphers, '-o', option], "git-upload-pack '/shop.git'")
      assert.match(said, /no matching/, option)
    }
  })

  it('takes a key once, whoever adds it again, and none that is weak or private', async () => {
    const again = await add(member, key)
    assert.deepEqual([again.status, again.body.code], [409, 'SSH_KEY_TAKEN'])
    const other = await add(await api.member('gamma'), key)
    assert.deepEqual([other.status, other.body.code], [409, 'SSH_KEY_TAKEN'])
    assert.ok(!JSON.stringify(other.body).includes('alpha'))
    const weak = await add(member, await door.newKey('-t', 'rsa', '-b', '1024'))
    assert.match(String(weak.body.detail), /RSA keys need 2048 bits at least, and this one has 1024/)
    const secret = await api.call(member, 'POST', '/v1/keys', { key: await readFile(key, 'utf8') })
    assert.match(String(secret.body.detail), /this is a private key, which never leaves your machine/)
  })

  it('lists a tenant’s keys to its members, and a key that is removed opens nothing', async () => {
    const own = await door.newKey()
    const { body } = await add(member, own, { name: 'laptop' })
    const stranger = await api.member('delta')
    assert.deepEqual((await api.call(stranger, 'GET', '/v1/keys')).body, { keys: [] })
    assert.equal((await api.call(stranger, 'DELETE', `/v1/keys/${String(body.id)}`)).status, 404)
    const { keys } = (await api.call(member, 'GET', '/v1/keys')).body as { keys: { name: string; tenant: string }[] }
    assert.ok(keys.some((one) => one.name === 'laptop' && one.tenant === 'alpha'))
    assert.equal((await talk(['ls-remote', urlOf('shop')], own)).code, 0)
    assert.equal(
      (await api.call(member, 'DELETE', `/v1/keys/${encodeURIComponent(String(body.fingerprint))}`)).status,
      204,
    )
    assert.equal((await talk(['ls-remote', urlOf('shop')], own)).code, 128)
  })

  it('C18 does nothing more in a session whose key was removed meanwhile', async () => {
    const own = await door.newKey()
    const { body } = await add(member, own)
    const client = new ssh2.Client()
    client.connect({ host: '127.0.0.1', port: door.port, username: 'git', privateKey: await readFile(own) })
    await once(client, 'ready')
    const answered = (): Promise<string> =>
      new Promise((resolve, reject) => {
        client.exec("git-upload-pack 'shop.git'", (error, channel) => {
          if (error) return reject(error)
          let said = ''
          for (const stream of [channel, channel.stderr])
            stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
          channel.on('close', () => resolve(said))
          // A flush packet: nothing is wanted.
          channel.end('0000')
        })
      })
    assert.match(await answered(), /^[0-9a-f]{4}/)
    assert.equal((await api.call(member, 'DELETE', `/v1/keys/${String(body.id)}`)).status, 204)
    assert.doesNotMatch(await answered().catch((error: Error) => error.message), /^[0-9a-f]{4}/)
    client.end()
  })

  it('keeps its host key, readable by nobody else, and stays closed when it changed', async () => {
    const file = join(api.home, 'ssh-host-key')
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    const view = door.door.view()
    assert.ok(view.enabled)
    const shown = (await run(['ssh-keygen', '-l', '-f', file])).stdout
    assert.ok(shown.includes(view.fingerprint), shown)
    const again = await loadHostKey(api.home, '', api.context)
    assert.equal('fingerprint' in again && again.fingerprint, view.fingerprint)
    await saveSshHostKey(api.context.store, 'SHA256:another')
    const changed = await loadHostKey(api.home, '', api.context)
    assert.match(
      'why' in changed ? changed.why : '',
      /clients know SHA256:another\. Restore .*BERTH_SSH_NEW_HOST_KEY=SHA256:/,
    )
    const meant = await loadHostKey(api.home, view.fingerprint, api.context)
    assert.ok('fingerprint' in meant)
  })

  it('G02 says to come later when a tenant has as many conversations as it may, and lets others in', async () => {
    const { gitSlots } = api.context
    const usual = gitSlots.waitMs
    const others: ((() => void) | null)[] = []
    const occupy = async (slots: Slots, count: number) => {
      for (let n = 0; n < count; n++) others.push(await slots.take('alpha', AbortSignal.timeout(1000)))
    }
    try {
      await occupy(gitSlots.pushes, 3)
      await occupy(gitSlots.fetches, 6)
      gitSlots.waitMs = 100
      const folder = await newCheckout()
      const overHttp = `${api.url.replace('//', `//x:${member}@`)}/git/shop.git`
      for (const url of [urlOf('shop'), overHttp]) {
        const asked = await talk(['ls-remote', url])
        assert.notEqual(asked.code, 0)
        assert.match(asked.said, /Too many pushes and fetches/)
        const pushed = await talk(['-C', folder, 'push', '--force', url, 'main'])
        assert.notEqual(pushed.code, 0)
        assert.match(pushed.said, /Too many pushes and fetches/)
      }
      const upload = await api.call(member, 'POST', '/v1/apps/shop/source', undefined, {
        'content-type': 'application/x-tar',
      })
      assert.deepEqual([upload.status, upload.body.code], [503, 'GIT_BUSY'])
      const stranger = await api.member('epsilon')
      await api.call(stranger, 'POST', '/v1/apps', { name: 'elsewhere' })
      const theirs = `${api.url.replace('//', `//x:${stranger}@`)}/git/elsewhere.git`
      assert.equal((await talk(['ls-remote', theirs])).code, 0)
    } finally {
      gitSlots.waitMs = usual
      for (const giveBack of others) giveBack?.()
    }
    assert.equal((await talk(['ls-remote', urlOf('shop')])).code, 0)
  })

  describe('with its limits near', () => {
    let narrow: TestDoor
    let mine: string
    before(async () => {
      narrow = await openDoor(api, { loginMs: 1500, attempts: 2, sessions: 2, unusedMs: 1500, connectionMs: 6000 })
      mine = await narrow.newKey()
      assert.equal((await add(member, mine)).status, 201)
    })
    after(() => narrow.stop())

    const clientWith = async (authHandler?: ssh2.AuthenticationType[] | ssh2.AuthHandlerMiddleware) => {
      const client = new ssh2.Client()
      const closed = once(client, 'close')
      const failed: string[] = []
      client.on('error', (error) => failed.push(error.message))
      const login = { host: '127.0.0.1', port: narrow.port, username: 'git', readyTimeout: 20_000 }
      const privateKey = await readFile(mine)
      client.connect(authHandler ? { ...login, authHandler } : { ...login, privateKey })
      return { client, closed, failed }
    }

    it('ends a connection that does not log in, or uses its login for nothing', async () => {
      const silent = connect(narrow.port, '127.0.0.1')
      silent.on('error', () => {}).resume()
      await once(silent, 'close')
      const { client, closed } = await clientWith()
      await once(client, 'ready')
      await closed
    })

    it('takes so many sessions over one connection, and ends it after its time, whatever is under way', async () => {
      const { client, closed } = await clientWith()
      await once(client, 'ready')
      const open = () =>
        new Promise<string>((resolve) => {
          client.exec("git-upload-pack '/shop.git'", (error, channel) => {
            channel?.resume()
            resolve(error?.message ?? 'open')
          })
        })
      assert.deepEqual([await open(), await open()], ['open', 'open'])
      assert.match(await open(), /open failure/i)
      await closed
    })

    it('G08 hears so many keys, and hangs up', async () => {
      const stranger = await readFile(await narrow.newKey())
      let offered = 0
      const { closed } = await clientWith((_left, _partial, next) => {
        offered++
        next({ type: 'publickey', username: 'git', key: stranger })
      })
      await closed
      assert.ok(offered > 1 && offered < 8, String(offered))
    })
  })

  it('outlives what is not SSH at all', async () => {
    for (const bytes of ['GET / HTTP/1.1\r\n\r\n', '\0'.repeat(100_000), `SSH-2.0-x\r\n${'\xff'.repeat(70_000)}`, '']) {
      const socket = connect(door.port, '127.0.0.1')
      socket.on('error', () => {})
      socket.end(Buffer.from(bytes, 'latin1'))
      socket.resume()
      await once(socket, 'close')
    }
    assert.equal((await talk(['ls-remote', urlOf('shop')])).code, 0)
  })
})
