import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSocket } from 'ws'
import type { Start } from '#test/helpers/shared-world.ts'
import { BERTH } from '#test/helpers/command-line.ts'
import { inTerminal, type Step } from '#test/helpers/terminal.ts'
import { fixtureFolder, waitFor, type Ran, type World } from '#test/helpers/world.ts'

export const oneOffs = (start: Start): void =>
  void describe('One-off runs', () => {
    let world: World
    before(async function () {
      this.timeout(240_000)
      world = await start()
      await world.cli(['create', 'shop'])
      const { code, output } = await world.pushApp('shop', 'node-plain')
      assert.equal(code, 0, output)
      await world.cli(['config:set', 'COLOUR=green', '-a', 'shop'])
    })

    const run = (words: string[], input = ''): Promise<Ran> =>
      world.cli(['run', '-a', 'shop', ...words], { allowFailure: true, input })
    const logs = async (name: string) => (await world.cli(['logs', '-a', 'shop', '-n', '500', '-p', name])).stdout
    const runs = async () =>
      (
        (await world.api('GET', '/v1/apps/shop/runs')).body as {
          runs: { name: string; end: { reason: string } | null }[]
        }
      ).runs
    const nameIn = (text: string): string => /\brun\.\d+\b/.exec(text)?.[0] ?? ''
    const ends = async (name: string, reason: string) => {
      let found: string | undefined
      await waitFor(async () => (found = (await runs()).find((one) => one.name === name)?.end?.reason) !== undefined, {
        timeoutMs: 60_000,
        what: `the end of ${name}`,
      })
      assert.equal(found, reason)
    }
    const eachRunning = async () => (await world.cli(['ps', '-a', 'shop'])).stdout

    it('have the app’s code and config, variables of their own, and the exit code of the command', async function () {
      this.timeout(60_000)
      const ran = await run([
        '-e',
        'SHAPE=round',
        '--',
        'sh',
        '-c',
        'ls /app; echo $COLOUR $SHAPE $BERTH_PROCESS; echo no >&2; exit 7',
      ])
      assert.equal(ran.code, 7, ran.stderr)
      assert.match(ran.stdout, /^package\.json$/m)
      assert.match(ran.stdout, /^green round run\.\d+$/m)
      assert.equal(ran.stderr, 'no\n')
    })

    it('take what is piped in, and give back every byte of it', async function () {
      this.timeout(120_000)
      const input = randomBytes(3_000_000).toString('base64')
      const ran = await run(['cat'], input)
      assert.equal(ran.code, 0, ran.stderr)
      assert.equal(
        createHash('sha256').update(ran.stdout).digest('hex'),
        createHash('sha256').update(input).digest('hex'),
      )
    })

    it('have a terminal where there is one: its size, a change of it, Ctrl-C', async function () {
      this.timeout(120_000)
      const steps: Step[] = [
        ['$ ', 'tty; stty size\r'],
        ['40 100', 'resize'],
        ['$ ', 'sleep 1; stty size\r'],
        ['50 99', `sh -c 'echo wait""ing; exec sleep 600'\r`],
        ['waiting', '\x03'],
        ['^C', 'exit 5\r'],
      ]
      const { code, shown } = await inTerminal([BERTH, 'run', '-a', 'shop', '-e', 'PS1=$ ', 'sh'], steps, world.env)
      assert.match(shown, /\/dev\/pts\/0/)
      assert.match(shown, /50 99/)
      assert.equal(code, 5, shown)
    })

    it('end at their time limit, and say so', async function () {
      this.timeout(60_000)
      const { code, stderr } = await run(['--timeout', '2s', 'sleep', '600'])
      assert.notEqual(code, 0)
      assert.match(stderr, /run\.\d+ was ended: it ran longer than its limit of 2 s\./)
    })

    it('that need more memory than they have are told apart', async function () {
      this.timeout(60_000)
      const { code, stderr } = await run(['--memory', '64M', '--', 'python3', '-c', 'x = bytearray(300000000)'])
      assert.equal(code, 137)
      assert.match(stderr, /run\.\d+ was killed: it needed more than its 64 MB of memory\./)
    })

    it('that are detached are listed, write to the log, and can be stopped', async function () {
      this.timeout(90_000)
      const name = nameIn((await world.cli(['run:detached', '-a', 'shop', 'echo begun; sleep 600'])).stdout)
      await waitFor(async () => /app\[.*: begun$/m.test(await logs(name)), { timeoutMs: 40_000, what: 'its output' })
      const listed = new RegExp(`^${name}\\s+running`, 'm')
      await waitFor(async () => listed.test(await eachRunning()), { timeoutMs: 20_000, what: 'it in ps' })
      await world.cli(['ps:stop', name, '-a', 'shop'])
      await ends(name, 'stopped')
      await waitFor(async () => !(await eachRunning()).includes(name), { timeoutMs: 30_000, what: 'its end in ps' })
      const again = await world.cli(['ps:stop', name, '-a', 'shop'], { allowFailure: true })
      assert.match(again.stderr, /is over already/)
    })

    it('end when whoever is attached has gone', async function () {
      this.timeout(90_000)
      const child = spawn(BERTH, ['run', '-a', 'shop', 'echo $BERTH_PROCESS; sleep 600'], {
        env: world.env,
        stdio: ['pipe', 'pipe', 'ignore'],
      })
      const [said] = (await once(child.stdout, 'data')) as [Buffer]
      child.kill('SIGKILL')
      await ends(nameIn(said.toString()), 'clientGone')
    })

    it('detached go on through kill -9 of controller and agent, once, and their exit code is known', async function () {
      this.timeout(120_000)
      const { stdout } = await world.cli(['run:detached', '-a', 'shop', 'echo begun $$; sleep 12; echo done; exit 3'])
      const name = nameIn(stdout)
      await waitFor(async () => (await logs(name)).includes('app[') && (await logs(name)).includes('begun'), {
        timeoutMs: 40_000,
        what: 'its output',
      })
      await world.killPart('agent')
      await world.killPart('controller')
      await waitFor(async () => (await runs().catch(() => [])).some((one) => one.name === name && one.end !== null), {
        timeoutMs: 60_000,
        what: 'its end',
      })
      await ends(name, 'exited')
      const said = await logs(name)
      assert.equal(said.match(/: begun/g)?.length, 1, said)
      assert.match(said, /: done$/m)
      assert.match(said, /exited with code 3\./)
    })

    it('attached end with the agent that they were attached through, and nothing of them runs on', async function () {
      this.timeout(120_000)
      const child = spawn(BERTH, ['run', '-a', 'shop', 'echo $BERTH_PROCESS; sleep 600'], {
        env: world.env,
        stdio: ['pipe', 'pipe', 'pipe'],
      })
      let complaint = ''
      child.stderr.on('data', (data: Buffer) => (complaint += data.toString()))
      const [said] = (await once(child.stdout, 'data')) as [Buffer]
      const closed = once(child, 'close')
      await world.killPart('agent')
      await ends(nameIn(said.toString()), 'lost')
      const [code] = (await closed) as [number]
      assert.notEqual(code, 0)
      assert.match(complaint, /agent was restarted/)
      await waitFor(async () => !(await eachRunning()).includes('run.'), { timeoutMs: 30_000, what: 'its end in ps' })
    })

    it('are refused without room in the plan, and in an app that is paused', async function () {
      this.timeout(60_000)
      await world.cli(['plans:create', 'tight', '--memory', '600M', '--instances', '5'])
      await world.cli(['tenants:set-plan', 'default', 'tight'])
      const refused = await run(['true'])
      assert.equal(refused.code, 1)
      assert.match(refused.stderr, /Another run of shop needs 512 MB, 88 MB left of plan tight's 600 MB memory/)
      assert.equal((await run(['--memory', '64M', 'true'])).code, 0)
      await world.cli(['tenants:set-plan', 'default', 'default'])
      await world.cli(['ps:pause', '-a', 'shop'])
      assert.match((await run(['true'])).stderr, /shop is paused/)
      await world.cli(['ps:resume', '-a', 'shop'])
    })

    it('of one tenant are nobody else’s to see, stop or be attached to', async function () {
      this.timeout(60_000)
      await world.cli(['tenants:create', 'other'])
      const made = JSON.parse((await world.cli(['tokens:create', 'theirs', '--tenant', 'other', '--json'])).stdout) as {
        token: string
      }
      for (const words of [
        ['run', '-a', 'shop', 'true'],
        ['ps:stop', 'run.1', '-a', 'shop'],
      ]) {
        const { code, stderr } = await world.cli(words, { allowFailure: true, token: made.token })
        assert.equal(code, 1)
        assert.match(stderr, /There is no app "shop" here/)
      }
    })

    it('C01, C02: have sessions that open to nobody but their tenant and the agents', async () => {
      const ended = (await runs())[0]?.name ?? ''
      const answer = (path: string, token: string | null) =>
        new Promise<string>((resolve) => {
          const headers = token === null ? {} : { authorization: `Bearer ${token}` }
          const socket = new WebSocket(world.apiUrl.replace('http', 'ws') + path, { headers })
          socket.on('error', ({ message }) => resolve(message.replace(/\D+/g, '')))
          socket.on('open', () => {
            socket.terminate()
            resolve('open')
          })
        })
      const theirs = (await world.cli(['tokens:create', 'theirs', '--tenant', 'default', '--json'])).stdout
      const other = (await world.cli(['tokens:create', 'others', '--tenant', 'other', '--json'])).stdout
      const tokenIn = (text: string) => (JSON.parse(text) as { token: string }).token
      const path = `/v1/apps/shop/runs/${ended}/session`
      assert.equal(await answer(path, null), '401')
      assert.equal(await answer(path, 'nonsense'), '401')
      assert.equal(await answer(path, tokenIn(other)), '404')
      for (const token of [tokenIn(theirs), world.token])
        assert.equal(await answer('/internal/runs/i-abcdefghijklm/session', token), '404')
      assert.equal(await answer('/v1/apps', tokenIn(theirs)), '404')
    })

    it('count in what the app used', async function () {
      this.timeout(180_000)
      const used = async () =>
        (JSON.parse((await world.cli(['usage', '-a', 'shop', '--json'])).stdout) as { usage: { cpuSeconds: number } })
          .usage.cpuSeconds
      const before = await used()
      await run(['node', '-e', 'for (let i = 0; i % 1e6 || process.cpuUsage().user < 800000; i++);'])
      await waitFor(async () => (await used()) - before > 0.7, { timeoutMs: 60_000, what: 'its CPU in the ledger' })
    })

    it('run a release command with the new code before anything of it is started, shown in the push', async function () {
      this.timeout(120_000)
      const { code, output } = await world.pushApp('shop', 'node-plain', {
        change: {
          Procfile: 'web: node server.js\nrelease: echo migrating to $BERTH_RELEASE as $BERTH_PROCESS; echo $COLOUR\n',
        },
      })
      assert.equal(code, 0, output)
      const said = output.replaceAll(/^remote: (.*?) *$/gm, '$1')
      assert.match(said, /^-----> Running the release command: echo migrating/m)
      assert.match(said, /^ +migrating to v\d+ as release\.\d+\n +green$/m)
      assert.ok(said.indexOf('migrating to') < said.indexOf('-----> Starting web=1'), said)
    })

    it('run a release command to its end when whoever deployed presses Ctrl-C, which builds:output picks up', async function () {
      this.timeout(120_000)
      const folder = await mkdtemp(join(tmpdir(), 'berth-left-'))
      await cp(fixtureFolder('node-plain'), folder, { recursive: true })
      const release = 'echo migrating slowly; sleep 6; echo migrated'
      await writeFile(join(folder, 'Procfile'), `web: node server.js\nrelease: ${release}\n`)
      try {
        const child = spawn(BERTH, ['deploy', folder, '-a', 'shop'], {
          env: world.env,
          stdio: ['ignore', 'pipe', 'ignore'],
        })
        let said = ''
        child.stdout.on('data', (data: Buffer) => (said += data.toString()))
        await waitFor(() => Promise.resolve(/^ +migrating slowly$/m.test(said)), {
          timeoutMs: 60_000,
          what: 'the command',
        })
        child.kill('SIGINT')
        await once(child, 'close')
        assert.doesNotMatch(said, /^ +migrated$/m)
        const { stdout } = await world.cli(['builds:output', '-t', '-a', 'shop'])
        assert.match(stdout, /^ +migrating slowly\n(?:.*\n)* +migrated$/m)
        assert.match((await world.cli(['builds', '-a', 'shop'])).stdout, /succeeded/)
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    })

    it('whose release command fails fail the push with its reason, and what served goes on', async function () {
      this.timeout(120_000)
      const { code, output } = await world.pushApp('shop', 'node-plain', {
        change: { Procfile: 'web: node server.js\nrelease: echo cannot migrate; exit 4\n' },
      })
      assert.notEqual(code, 0)
      assert.match(output, /cannot migrate/)
      assert.match(output, /The release command of v\d+ failed: release\.\d+ exited with code 4\. v\d+ keeps serving\./)
      assert.equal((await world.http('shop', '/')).status, 200)
      assert.match((await world.cli(['releases', '-a', 'shop'])).stdout, /failed/)
      const config = await world.cli(['config:set', 'COLOUR=red', '-a', 'shop'], { allowFailure: true })
      assert.equal(config.code, 0, config.stderr + config.stdout)
    })
  })
