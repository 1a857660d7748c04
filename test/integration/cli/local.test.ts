import assert from 'node:assert/strict'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseDotEnv, renderDotEnv } from '../../../cli/local/dotenv.ts'
import { aPerson, launcher, ok, startFakeApi, type Person } from './harness.ts'

/** Prints what it was given; leaves a grandchild behind; ends by a signal, or as told over HTTP. */
const server = `
const { createServer } = require('node:http')
const { spawn } = require('node:child_process')
const child = spawn('sleep', ['600'], { stdio: 'ignore' })
createServer((request, response) => {
  if (request.url === '/exit') process.exit(7)
  response.end(JSON.stringify({ greeting: process.env.GREETING, token: process.env.BERTH_TOKEN, child: child.pid }))
}).listen(process.env.PORT, () => console.log('\\x1b[2Jlistening on ' + process.env.PORT))
`

describe('berth local', function () {
  this.timeout(60_000)
  let person: Person
  let port: number
  let running: ChildProcess | null = null

  beforeEach(async () => {
    person = await aPerson({ BERTH_TOKEN: 't' }, { asProcess: true })
    port = await freePort()
    await writeFile(join(person.home, 'server.js'), server)
    await writeFile(join(person.home, 'Procfile'), 'web: node server.js\nworker: sleep 600\nrelease: exit 9\n')
    await writeFile(join(person.home, '.env'), '# what I use here\nGREETING="hello \\"you\\""\n')
  })
  afterEach(async () => {
    running?.kill('SIGKILL')
    running = null
    await person.leave()
  })

  type Ended = { code: number | null; stdout: string; stderr: string }

  async function start(...args: string[]): Promise<{ child: ChildProcess; ended: Promise<Ended> }> {
    const child = spawn(launcher, ['local', '--port', String(port), ...args], { cwd: person.home, env: person.env })
    running = child
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const ended = new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })))
    const isOver = ended.then((end) => Promise.reject(new Error(`berth local ended: ${JSON.stringify(end)}`)))
    isOver.catch(() => {})
    await Promise.race([until(() => stdout.includes('listening on')), isOver])
    return { child, ended }
  }

  const ask = async () => (await (await fetch(`http://127.0.0.1:${port}/`)).json()) as Record<string, string | number>

  it('runs all processes with the variables of .env and a port each, without the token, and ends them at Ctrl-C', async () => {
    const { child, ended } = await start()
    const told = await ask()
    assert.deepEqual([told['greeting'], told['token']], ['hello "you"', undefined])
    child.kill('SIGINT')
    const { code, stdout, stderr } = await ended
    assert.equal(code, 130)
    assert.match(stdout, new RegExp(`^web    \\| \\$ PORT=${port} node server\\.js$`, 'm'))
    assert.match(stdout, new RegExp(`^worker \\| \\$ PORT=${port + 100} sleep 600$`, 'm'))
    assert.match(stdout, /^web {4}\| \\x1b\[2Jlistening on/m)
    assert.doesNotMatch(stdout, /release/)
    assert.match(stderr, /^SIGINT: ending all$/m)
    await assertGone(Number(told['child']))
  })

  it('ends all with the exit code of the first that ends, and what it left behind too', async () => {
    const { ended } = await start()
    const { child } = await ask()
    await fetch(`http://127.0.0.1:${port}/exit`).catch(() => {})
    const { code, stderr } = await ended
    assert.equal(code, 7)
    assert.match(stderr, /web ended with exit code 7: ending the others/)
    await assertGone(Number(child))
  })

  it('kills what does not end, at the second Ctrl-C', async () => {
    await writeFile(
      join(person.home, 'Procfile'),
      `web: trap '' TERM INT; node server.js & while :; do sleep 1; done\n`,
    )
    const { child, ended } = await start()
    child.kill('SIGINT')
    await sleep(300)
    child.kill('SIGINT')
    assert.equal((await ended).code, 130)
  })

  it('runs only the process types that are named, and says when there is no such type', async () => {
    const { child, ended } = await start('-p', 'web')
    child.kill('SIGTERM')
    const { code, stdout } = await ended
    assert.equal(code, 143)
    assert.doesNotMatch(stdout, /worker/)
    const wrong = await person.berth(['local', '-p', 'wep'])
    assert.equal(wrong.code, 2)
    assert.match(wrong.stderr, /no process type "wep"\. It has: web, worker, release/)
  })

  it('says that the port is taken, and what to do where there is nothing to run', async () => {
    const other = createServer().listen(port)
    const taken = await person.berth(['local', '--port', String(port)])
    other.close()
    assert.equal(taken.code, 1)
    assert.match(taken.stderr, /Port \d+ is in use\. Choose another with --port/)
    await writeFile(join(person.home, 'Procfile'), 'nonsense\n')
    assert.match((await person.berth(['local'])).stderr, /Procfile line 1 is not "type: command"/)
    const empty = await aPerson({}, { asProcess: true })
    assert.match((await empty.berth(['local'])).stderr, /There is no Procfile here.*berth init/)
    await empty.leave()
  })

  it('runs one command with the variables of .env, and ends as it does', async () => {
    const said = await person.berth(['local:run', 'echo "$GREETING $BERTH_TOKEN."; exit 3'])
    assert.deepEqual([said.code, said.stdout], [3, 'hello "you" .\n'])
    const words = await person.berth(['local', 'run', 'printf', '%s', '$GREETING'])
    assert.deepEqual([words.code, words.stdout], [0, '$GREETING'])
    const killed = await person.berth(['local:run', 'kill -TERM $$'])
    assert.equal(killed.code, 143)
    assert.match((await person.berth(['local:run', 'no-such', 'program'])).stderr, /no-such could not be started/)
  })

  it('pulls config vars into a file that its owner alone can read, that git leaves out, and that is never replaced unasked', async () => {
    const api = await startFakeApi()
    api.answers['GET /v1/apps/hello/config'] = ok({ config: { KEY: 'two\nlines', A: 'x' } })
    const env = { BERTH_API_URL: api.url }
    spawnSync('git', ['init', '-q'], { cwd: person.home, env: person.env })
    await writeFile(join(person.home, '.gitignore'), 'node_modules/')
    try {
      const refused = await person.berth(['local:pull', '-a', 'hello'], { env })
      assert.equal(refused.code, 1)
      assert.match(refused.stderr, /\.env is there already\. Replace it with --overwrite/)
      const pulled = await person.berth(['local:pull', '-a', 'hello', '--file', '.env.hello'], { env })
      assert.deepEqual([pulled.code, pulled.stdout], [0, 'Wrote 2 config vars of hello to .env.hello.\n'])
      const file = join(person.home, '.env.hello')
      assert.deepEqual(parseDotEnv(await readFile(file, 'utf8')).variables, { KEY: 'two\nlines', A: 'x' })
      assert.equal((await stat(file)).mode & 0o777, 0o600)
      assert.equal(person.git(['status', '--porcelain', '--', '.env.hello']), '')
      assert.match(
        await readFile(join(person.home, '.gitignore'), 'utf8'),
        /^node_modules\/\n\/\.env\n\/\.env\.hello\n$/,
      )
    } finally {
      await api.stop()
    }
  })
})

describe('A .env file', () => {
  it('has plain values, values in quotes over lines, comments, and lines that are said to be wrong', () => {
    const { variables, wrong } = parseDotEnv(
      `A=1 # one\nexport B='as $it is\nover lines'\nC="tab\\t quote\\" hash # in"\n\n# D=4\nE=\nno sense\n1F=2\nG=a#b\nH="open\nI=9\n`,
    )
    assert.deepEqual(variables, {
      A: '1',
      B: 'as $it is\nover lines',
      C: 'tab\t quote" hash # in',
      E: '',
      G: 'a#b',
      I: '9',
    })
    assert.deepEqual(wrong, [8, 9, 11])
  })

  it('brings back every value that was written', () => {
    const values = [
      '',
      'plain',
      ' spaces ',
      '#',
      "'",
      '"',
      '\\',
      '\\n',
      'a\nb\r\n\tc',
      '$HOME `x` $(y)',
      'é…😀',
      '"#\'',
    ]
    const variables = Object.fromEntries(values.map((value, index) => [`V${index}`, value]))
    assert.deepEqual(parseDotEnv(renderDotEnv(variables)), { variables, wrong: [] })
  })
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => void server.listen(0, resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return Math.min(port, 65_000)
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(50)
}

async function assertGone(pid: number): Promise<void> {
  assert.ok(pid > 1)
  const isThere = () => {
    try {
      return process.kill(pid, 0)
    } catch {
      return false
    }
  }
  await until(() => !isThere())
}
