import assert from 'node:assert/strict'
import { installSteps } from '#buildpacks/python/install.ts'
import { applicationsIn, defaultWeb } from '#buildpacks/python/processes.ts'
import { readProject } from '#buildpacks/python/project.ts'
import { packageName, parseRequirements } from '#buildpacks/python/requirements.ts'
import { parseVersion } from '#buildpacks/python/version.ts'
import { python } from '#buildpacks/python/index.ts'
import { anAppFolder } from '#test/helpers/app-folder.ts'

type Files = Record<string, string>
const plan = (files: Files) => python.plan(anAppFolder(files), 'trixie-1')
const keyOf = async (files: Files) => (await plan(files)).dependencies?.key ?? null
const namesOf = async (files: Files) => (await plan(files)).runtimes.map(({ name }) => name)
const refused = (message: RegExp) => ({ name: 'BuildFailure', exitCode: 12, message })
const web = { 'app.py': '' }

describe('A Python app', function () {
  this.timeout(30_000)
  it('of the standard library needs no runtime but the stack’s', async () => {
    const files = {
      'server.py': '',
      Procfile: 'web: python3 server.py',
      'requirements.txt': '# nothing\n\n--no-binary :all:\n',
    }
    assert.deepEqual(
      (await plan(files)).runtimes.filter(({ name }) => name === 'python'),
      [],
    )
  })

  it('that lists packages has pip for its build, and its virtual environment is a layer of its own', async () => {
    const { runtimes, dependencies } = await plan({ ...web, 'requirements.txt': 'flask==3.1\n' })
    assert.deepEqual(runtimes, [{ name: 'python', range: '*', reason: 'installs the dependencies' }])
    assert.deepEqual(dependencies?.paths, ['.venv'])
  })

  it('that brings its packages along installs none', async () => {
    const files = { ...web, 'requirements.txt': 'flask', 'vendor/flask-3.1.dist-info/METADATA': '' }
    assert.deepEqual(await plan(files), { runtimes: [], dependencies: null })
  })

  it('has compilers only where it asks for them, or for packages as source', async () => {
    const files = { ...web, 'requirements.txt': 'flask' }
    assert.deepEqual(await namesOf(files), ['python'])
    assert.deepEqual(await namesOf({ ...files, '.berth-toolchain': '' }), ['python', 'toolchain'])
    assert.deepEqual(await namesOf({ ...web, 'requirements.txt': '--no-binary lxml\nlxml' }), ['python', 'toolchain'])
  })

  it('without a Procfile or an entry point is refused with an example', async () => {
    const said = refused(/Nothing says how to start.*web: python3 server\.py/)
    await assert.rejects(plan({ 'requirements.txt': '' }), said)
    await assert.rejects(plan({ 'x.py': '', Procfile: '# empty' }), said)
  })

  it('whose list is locked by a tool that is not here is refused, with the way out', async () => {
    const pyproject = '[tool.poetry.dependencies]\npython = "^3.13"\nhttpx = "*"\n'
    await assert.rejects(
      plan({ ...web, 'pyproject.toml': pyproject, 'poetry.lock': '' }),
      refused(/^poetry\.lock is Poetry's.*Run: poetry export -f requirements\.txt -o requirements\.txt/),
    )
    await assert.rejects(plan({ ...web, 'pyproject.toml': pyproject }), refused(/^pyproject\.toml is Poetry's/))
    await assert.rejects(plan({ ...web, Pipfile: '' }), refused(/Run: pipenv requirements > requirements\.txt/))
    await assert.doesNotReject(plan({ ...web, 'poetry.lock': '', 'requirements.txt': 'httpx' }))
  })

  it('whose pyproject.toml is broken learns where', async () => {
    await assert.rejects(
      plan({ ...web, 'pyproject.toml': '[project]\nname = "x"\ndependencies = [\n' }),
      refused(/^pyproject\.toml is not valid TOML: .*\(at (?:end of document|line \d+, column \d+)\)/),
    )
  })
})

describe('A Python app’s dependencies', function () {
  this.timeout(30_000)
  it('are built again when a file that decides them changes, and only then', async () => {
    const files = {
      ...web,
      'requirements.txt': '-r more/base.txt\nflask',
      'more/base.txt': '-c pins.txt\nhttpx',
      'more/pins.txt': '',
    }
    const key = await keyOf(files)
    assert.equal(await keyOf({ ...files, 'app.py': 'changed' }), key)
    assert.notEqual(await keyOf({ ...files, 'more/pins.txt': 'httpx==1' }), key)
    const wheels = { ...files, 'wheels/flask-3-py3-none-any.whl': 'one' }
    assert.notEqual(await keyOf(wheels), await keyOf({ ...wheels, 'wheels/flask-3-py3-none-any.whl': 'two' }))
  })

  it('are no layer of their own when the app’s code is among them', async () => {
    for (const line of ['-e .', './lib', 'thing @ file:///app/thing', '.'])
      assert.equal(await keyOf({ ...web, 'requirements.txt': `httpx\n${line}` }), null, line)
  })

  it('that are listed in a file outside of the app, or in none, are refused', async () => {
    for (const include of ['../secret.txt', '/etc/passwd', 'a/../../x', 'missing.txt'])
      await assert.rejects(
        plan({ ...web, 'requirements.txt': `-r ${include}` }),
        refused(/^requirements\.txt includes ".*", which is not in the app/),
        include,
      )
  })

  it('may include each other in a circle', async () => {
    await assert.doesNotReject(plan({ ...web, 'requirements.txt': '-r a.txt', 'a.txt': '-r requirements.txt' }))
  })

  const steps = async (files: Files) =>
    installSteps(await readProject(anAppFolder(files)), { app: anAppFolder(files), cacheFolder: '/cache', env: {} })
  const shown = async (files: Files) => (await steps(files)).map((step) => step.shown)

  it('come from the app’s wheels alone, where it has some', async () => {
    const files = { ...web, 'requirements.txt': 'x', 'vendor/wheels/x-1-py3-none-any.whl': '' }
    const [, pip] = await steps(files)
    assert.equal(pip?.shown, 'pip install --no-index --find-links vendor/wheels -r requirements.txt')
    assert.equal(pip?.argv.includes('--no-index'), true)
    assert.equal((await steps({ ...web, 'requirements.txt': 'x' }))[1]?.argv.includes('--no-index'), false)
  })

  it('that uv.lock does not have are named, since uv would leave them out without a word', async () => {
    const pyproject =
      '[project]\nname = "x"\ndependencies = ["Flask_Login>=1", "colorama; sys_platform == \'win32\'"]\n'
    const files = { ...web, 'pyproject.toml': pyproject }
    const locked = (name: string) => ({ ...files, 'uv.lock': `[[package]]\nname = "${name}"\nversion = "1"\n` })
    await assert.rejects(
      shown(locked('flask')),
      /asks for Flask_Login>=1, and uv\.lock has no flask-login: run `uv lock`, commit uv\.lock and push again/,
    )
    assert.match((await shown(locked('flask-login'))).at(-1) ?? '', /^uv sync --frozen/)
    await assert.rejects(shown({ ...files, 'uv.lock': '[[package' }), /uv\.lock is not valid TOML/)
  })

  it('of pyproject.toml are those of its [project], and uv.lock says more than requirements.txt', async () => {
    const files = { ...web, 'pyproject.toml': '[project]\nname = "x"\ndependencies = ["attrs>=1", "--evil"]\n' }
    const [, pip] = await steps(files)
    // What looks like an option is none.
    assert.deepEqual(pip?.argv.slice(-3), ['--', 'attrs>=1', '--evil'])
    const lock = '[[package]]\nname = "attrs"\nversion = "25.1.0"\n'
    assert.match(
      (await shown({ ...files, 'uv.lock': lock, 'requirements.txt': 'y' })).at(-1) ?? '',
      /^uv sync --frozen/,
    )
    assert.match((await shown({ ...files, 'requirements.txt': 'y' })).at(-1) ?? '', /-r requirements\.txt$/)
  })
})

describe('A requirements file', () => {
  it('is read past comments, options, markers, extras and continued lines', () => {
    const text =
      '--index-url https://x\n  # c\nRequests[socks]>=2 ; python_version > "3" # why\r\nzope.interface \\\n  --hash=sha256:00\n'
    assert.deepEqual(parseRequirements(text), {
      packages: ['requests', 'zope-interface'],
      includes: [],
      local: false,
      compiles: false,
    })
  })

  it('knows a package by the name that PyPI gives it, and nothing else', () => {
    assert.equal(packageName('Flask_SQLAlchemy==3'), 'flask-sqlalchemy')
    assert.equal(packageName('gunicorn'), 'gunicorn')
    for (const text of ['https://x/y.whl', '$(reboot)', '-r x', '']) assert.equal(packageName(text), null, text)
  })
})

describe('The web process of a Python app', () => {
  const webOf = async (files: Files) => defaultWeb(await readProject(anAppFolder(files)))
  const cases: { why: string; files: Files; command: string | null }[] = [
    {
      why: 'Flask behind gunicorn',
      files: { 'main.py': 'from flask import Flask\nsite = Flask(__name__)\n', 'requirements.txt': 'flask\ngunicorn' },
      command: 'gunicorn main:site --bind 0.0.0.0:$PORT',
    },
    {
      why: 'FastAPI behind uvicorn',
      files: {
        'app.py': 'import fastapi\napi = fastapi.FastAPI(title="x")\n',
        'requirements.txt': 'fastapi\nuvicorn[standard]',
      },
      command: 'uvicorn app:api --host 0.0.0.0 --port $PORT',
    },
    {
      why: 'Django behind gunicorn',
      files: { 'manage.py': '', 'shop/wsgi.py': '', 'shop/asgi.py': '', 'requirements.txt': 'django\ngunicorn' },
      command: 'gunicorn shop.wsgi:application --bind 0.0.0.0:$PORT',
    },
    {
      why: 'Django behind uvicorn',
      files: { 'manage.py': '', 'shop/wsgi.py': '', 'shop/asgi.py': '', 'requirements.txt': 'django\nuvicorn' },
      command: 'uvicorn shop.asgi:application --host 0.0.0.0 --port $PORT',
    },
    {
      why: 'no server is listed, so the program is run as it is',
      files: { 'app.py': 'app = Flask(__name__)', 'requirements.txt': 'flask' },
      command: 'python3 app.py',
    },
    {
      why: 'two applications: nothing is certain',
      files: { 'wsgi.py': 'a = Flask(__name__)\nb = Flask(__name__)', 'requirements.txt': 'flask\ngunicorn' },
      command: null,
    },
  ]
  for (const { why, files, command } of cases)
    it(`is ${command ?? 'not guessed'}: ${why}`, async () => assert.equal(await webOf(files), command))

  it('is not taken from inside a function', () =>
    assert.deepEqual(applicationsIn('app', 'def make():\n    app = Flask(__name__)\n'), []))
})

describe('The Python that an app asks for', () => {
  const cases: { text: string; range: string; patch: boolean }[] = [
    { text: '3.13', range: '3.13', patch: false },
    { text: 'python-3.13.2', range: '3.13', patch: true },
    { text: '3.13.*', range: '3.13', patch: false },
    { text: '3', range: '3', patch: false },
  ]
  for (const { text, range, patch } of cases)
    it(`${text} is ${range}`, () => {
      const version = parseVersion('.python-version', text)
      assert.deepEqual([version.range, version.patch], [range, patch])
    })

  it('must be a version of Python 3', () => {
    for (const text of ['2.7', 'pypy3.10', '3.13; rm -rf /', 'latest'])
      assert.throws(
        () => parseVersion('runtime.txt', text),
        refused(/^runtime\.txt asks for .*Write one such as 3\.13/),
        text,
      )
  })

  it('is passed on, so that the host can name the one that there is', async () => {
    const { runtimes } = await plan({ ...web, '.python-version': '3.11.4\n' })
    assert.deepEqual(runtimes, [{ name: 'python', range: '3.11', reason: '.python-version asks for 3.11.4' }])
  })
})
