import assert from 'node:assert/strict'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startApi, type TestApi } from '#test/helpers/api.ts'
import { appNameFrom, filesFor, languageOf } from '../../../cli/project.ts'
import { aPerson, type Person } from './harness.ts'

describe('berth init', function () {
  this.timeout(60_000)
  let api: TestApi
  let person: Person

  before(async () => {
    api = await startApi()
  })
  after(() => api.stop())
  beforeEach(async () => {
    person = await aPerson({ BERTH_API_URL: api.url, BERTH_TOKEN: api.operator }, { asProcess: true })
  })
  afterEach(() => person.leave())

  const contentOf = (...path: string[]) => readFile(join(person.home, ...path), 'utf8')

  it('begins a project with a template: its files, a repository, an app and its remote', async () => {
    const ran = await person.berth(['init', 'my-shop', '--template', 'node', '--yes'])
    assert.equal(ran.code, 0, ran.stderr)
    assert.match(ran.stdout, /^Node\.js project in /)
    assert.match(ran.stdout, /^ {2}wrote server\.js$/m)
    assert.match(ran.stdout, /^ {2}made {2}the app my-shop/m)
    assert.match(await contentOf('my-shop', 'server.js'), /createServer/)
    assert.equal(person.git(['-C', 'my-shop', 'remote', 'get-url', 'berth']), `${api.url}/git/my-shop.git\n`)
    assert.equal(person.git(['-C', 'my-shop', 'symbolic-ref', 'HEAD']), 'refs/heads/main\n')
    assert.match(ran.stderr, /cd my-shop\n {2}git add -A && git commit .*\n {2}git push berth HEAD:main/)
    assert.equal(api.submitted.length, 0)
  })

  it('overwrites nothing, and does nothing twice', async () => {
    await mkdir(join(person.home, 'there'))
    await writeFile(join(person.home, 'there', 'package.json'), '{ "name": "mine" }')
    await writeFile(join(person.home, 'there', '.gitignore'), 'own')
    await writeFile(join(person.home, 'target'), 'outside')
    await symlink('../target', join(person.home, 'there', 'server.js'))
    const args = ['init', 'there', '--template', 'node', '--name', 'kept', '--json']
    const first = JSON.parse((await person.berth(args)).stdout) as Record<string, unknown>
    assert.deepEqual(first['kept'], ['.gitignore', 'package.json', 'server.js'])
    assert.deepEqual([first['git'], (first['app'] as { name: string }).name], ['made', 'kept'])
    assert.equal(await contentOf('there', 'package.json'), '{ "name": "mine" }')
    assert.equal(await contentOf('target'), 'outside')
    const second = await person.berth(args)
    const again = JSON.parse(second.stdout) as Record<string, unknown>
    assert.deepEqual([again['written'], again['git'], again['app']], [[], 'there', null])
    assert.match(second.stderr, /The git remote "berth" is there already/)
  })

  it('makes no app without a word: not where nobody can be asked, and not with --no-create', async () => {
    await mkdir(join(person.home, 'quiet'))
    await writeFile(join(person.home, 'quiet', 'app.py'), 'print(1)')
    await writeFile(join(person.home, 'quiet', 'requirements.txt'), '')
    const ran = await person.berth(['init', 'quiet'])
    assert.equal(ran.code, 0, ran.stderr)
    assert.match(ran.stdout, /^Python project in /)
    assert.equal(await contentOf('quiet', 'Procfile'), 'web: python3 app.py\n')
    assert.equal(await contentOf('quiet', '.gitignore'), '__pycache__/\n.venv/\n.env\n')
    assert.match(ran.stderr, /berth create/)
    const { body } = await api.call(api.operator, 'GET', '/v1/apps')
    assert.equal(
      (body.apps as { name: string }[]).some(({ name }) => name === 'quiet'),
      false,
    )
    assert.equal(
      (await person.berth(['init', 'files', '--no-create', '--no-git'], { env: { BERTH_TOKEN: '' } })).code,
      0,
    )
  })

  it('leaves the folder as it was when there is no such template', async () => {
    const ran = await person.berth(['init', 'nothing', '--template', 'none'])
    assert.equal(ran.code, 1)
    assert.match(ran.stderr, /There is no template "none"/)
    await assert.rejects(readFile(join(person.home, 'nothing')), { code: 'ENOENT' })
  })

  it('lists the templates, and deploys one to a new app', async () => {
    const listed = await person.berth(['templates'])
    assert.match(listed.stdout, /^node +Node\.js +web +\S/m)
    assert.match((await person.berth(['templates', 'info', 'python'])).stdout, /^Files: +.*server\.py/m)
    const made = await person.berth(['create', 'sample', '--template', 'python', '--no-wait'])
    assert.equal(made.code, 0, made.stderr)
    assert.match(made.stdout, /^Created sample with the template python\.\nDeploy d-\w+ is under way/)
  })
})

describe('A new project', () => {
  const source = (names: string[], more: Partial<Parameters<typeof filesFor>[0]> = {}) => ({
    names,
    packageJson: null,
    envExample: null,
    ...more,
  })
  const written = (...args: Parameters<typeof source>) =>
    Object.fromEntries(filesFor(source(...args)).map(({ path, content }) => [path, content]))

  it('is known by what lies in it', () => {
    assert.equal(languageOf(['Gemfile', 'package.json'])?.name, 'Ruby')
    assert.equal(languageOf(['go.mod', 'main.go'])?.name, 'Go')
    assert.equal(languageOf(['notes.txt']), null)
  })

  it('gets a Procfile only where nothing else says what to run', () => {
    assert.equal(written(['package.json', 'index.js'])['Procfile'], 'web: node index.js\n')
    const packageJson = '{ "scripts": { "start": "node x" } }'
    assert.equal(written(['package.json', 'index.js'], { packageJson })['Procfile'], undefined)
    assert.equal(written(['Procfile', 'package.json', 'index.js'])['Procfile'], undefined)
    assert.equal(written(['manage.py', 'app.py'])['Procfile'], undefined)
    assert.equal(written(['go.mod', 'main.go'])['Procfile'], undefined)
  })

  it('gets an app.json that asks for what .env.example leaves empty', () => {
    const envExample = '# the database\nDATABASE_URL=\nexport LOG_LEVEL=info\nKEY= # yours\n'
    assert.deepEqual(JSON.parse(written([], { envExample })['app.json'] ?? ''), {
      env: { DATABASE_URL: { required: true }, LOG_LEVEL: { required: false }, KEY: { required: true } },
    })
  })

  it('keeps the .env of a developer out of what is deployed', () => {
    assert.match(written([])['.gitignore'] ?? '', /^\.env$/m)
    assert.match(written(['.gitignore', '.env'])['.slugignore'] ?? '', /^\.env$/m)
  })

  it('makes an app of its folder’s name', () => {
    const of = (name: string) => appNameFrom(name)
    assert.deepEqual(['My Shop (2)', '2024-site', 'x'.repeat(40), '---', 'élan'].map(of), [
      'my-shop-2',
      'site',
      'x'.repeat(30),
      null,
      'lan',
    ])
  })
})
