import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { readdir, readFile, symlink, writeFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { aPerson, launcher, ok, startFakeApi, type FakeApi, type Person } from './harness.ts'

/** Asks the function that readline would ask, with what readline would give it. */
const asks = (line: string) => `
source "$HOME/berth.bash"
COMP_LINE=${JSON.stringify(line)} COMP_POINT=${line.length} COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
_berth berth
printf '%s\\n' "\${COMPREPLY[@]}"
`
const hasShell = (name: string) => spawnSync(name, ['--version']).status === 0

describe('Completion', function () {
  this.timeout(60_000)
  let api: FakeApi
  let person: Person

  before(async () => {
    api = await startFakeApi()
    api.answers['GET /v1/apps'] = ok({ apps: [{ name: 'shop' }, { name: 'shop-staging' }, { name: 'blog' }] })
    person = await aPerson({ BERTH_API_URL: api.url, BERTH_TOKEN: 't' })
    await mkdir(join(person.home, 'bin'))
    await symlink(launcher, join(person.home, 'bin/berth'))
    person.env['PATH'] = `${join(person.home, 'bin')}:${process.env['PATH']}`
    for (const shell of ['bash', 'zsh', 'fish']) {
      const ran = await person.berth(['completion', shell])
      assert.equal(ran.code, 0, ran.stderr)
      await writeFile(join(person.home, `berth.${shell}`), ran.stdout)
    }
  })
  after(async () => {
    await api.stop()
    await person.leave()
  })

  // Not spawnSync: the API that is asked answers from this process.
  function inBash(line: string): Promise<string[]> {
    return new Promise((resolve, reject) => {
      execFile('bash', ['--norc', '-c', asks(line)], { env: person.env, cwd: person.home }, (error, stdout, stderr) => {
        if (error || stderr !== '') reject(new Error(stderr || error?.message))
        else resolve(stdout.split('\n').filter(Boolean).sort())
      })
    })
  }

  it('offers commands in bash, with colons as readline replaces them, and with spaces', async () => {
    assert.deepEqual(await inBash('berth whoa'), ['whoami'])
    assert.deepEqual(await inBash('berth config:'), ['get', 'list', 'set', 'unset'])
    assert.deepEqual(await inBash('berth config s'), ['set'])
    assert.deepEqual(await inBash('berth access users '), ['add', 'remove'])
    assert.deepEqual(await inBash('berth access:users:a'), ['add'])
    assert.ok((await inBash('berth ')).length > 100)
    assert.equal((await inBash('berth git:')).includes('credentials'), false)
  })

  it('offers the options of the command, however it was written', async () => {
    for (const line of ['berth logs --t', 'berth logs -n 5 --t']) assert.deepEqual(await inBash(line), ['--tail'])
    assert.deepEqual(await inBash('berth config set --no'), ['--no-wait'])
    assert.deepEqual(await inBash('berth ps:scale --mem'), ['--memory'])
  })

  it('offers the names of apps, which are asked for once a minute at most', async () => {
    assert.deepEqual(await inBash('berth logs -a sh'), ['shop', 'shop-staging'])
    const asked = api.seen.length
    assert.ok(asked > 0)
    assert.deepEqual(await inBash('berth apps destroy bl'), ['blog'])
    assert.deepEqual(await inBash('berth destroy --app '), ['blog', 'shop', 'shop-staging'])
    assert.equal(api.seen.length, asked)
    const [cached = ''] = await readdir(join(person.home, '.cache/berth')).then((names) =>
      names.filter((name) => name.startsWith('apps-')),
    )
    assert.equal(await readFile(join(person.home, '.cache/berth', cached), 'utf8'), 'shop\nshop-staging\nblog')
  })

  it('is silent where nobody is logged in', async () => {
    const ran = await person.berth(['completion:apps'], { env: { BERTH_TOKEN: '', BERTH_API_URL: '' } })
    assert.deepEqual([ran.code, ran.stdout, ran.stderr], [0, '', ''])
  })

  it('says which shells it knows', async () => {
    const ran = await person.berth(['completion', 'tcsh'])
    assert.equal(ran.code, 2)
    assert.match(ran.stderr, /no completion for "tcsh"\. Name one: berth completion bash, zsh or fish/)
  })

  for (const shell of ['zsh', 'fish'].filter(hasShell))
    it(`is a script that ${shell} reads`, () => {
      const { status, stderr } = spawnSync(shell, ['-n', join(person.home, `berth.${shell}`)], { encoding: 'utf8' })
      assert.deepEqual([status, stderr], [0, ''])
    })
})
