import assert from 'node:assert/strict'
import { firstProjectDependency, firstRequirement, firstTableEntry, python } from '#buildpacks/python.ts'
import { anAppFolder } from '#test/helpers/app-folder.ts'

type Files = Record<string, string>
const plan = (files: Files) => python.plan(anAppFolder(files), 'trixie-1')
const refused = (message: RegExp) => ({ name: 'BuildFailure', exitCode: 12, message })

describe('A Python app', () => {
  it('of the standard library needs no runtime but the stack’s', async () => {
    const files = {
      'server.py': '',
      Procfile: 'web: python3 server.py',
      'requirements.txt': '# nothing\n\n--no-binary :all:\n',
    }
    assert.deepEqual(await plan(files), { runtimes: [], dependencies: null })
  })

  it('that asks for packages is refused, with the first of them and the way out', async () => {
    const app = { 'app.py': '' }
    await assert.rejects(
      plan({ ...app, 'requirements.txt': '# web\nflask==3.1\n' }),
      refused(/requirements\.txt asks for "flask==3\.1".*pip install --target vendor -r requirements\.txt/),
    )
    await assert.rejects(plan({ ...app, 'pyproject.toml': '[project]\ndependencies = ["httpx"]' }), refused(/"httpx"/))
    await assert.rejects(plan({ ...app, 'setup.py': 'setup(install_requires=["attrs"])' }), refused(/"attrs"/))
    await assert.rejects(plan({ ...app, Pipfile: '[packages]\nrequests = "*"' }), refused(/"requests"/))
  })

  it('that brings its packages along is accepted', async () => {
    await assert.doesNotReject(
      plan({ 'app.py': '', 'requirements.txt': 'flask', 'vendor/flask-3.1.dist-info/METADATA': '' }),
    )
  })

  it('without a Procfile or an entry point is refused with an example', async () => {
    await assert.rejects(
      plan({ 'requirements.txt': '' }),
      refused(/Nothing says how to start.*web: python3 server\.py/),
    )
    await assert.rejects(plan({ 'x.py': '', Procfile: '# empty' }), refused(/Nothing says how to start/))
  })
})

describe('What a Python project asks for', () => {
  it('is found in requirements.txt past comments and options', () => {
    assert.equal(firstRequirement('--index-url https://x\n  # c\nrequests>=2 # why\n'), 'requests>=2')
    assert.equal(firstRequirement('-r base.txt'), '-r base.txt')
    assert.equal(firstRequirement('-e .'), '-e .')
    assert.equal(firstRequirement('\r\n# only comments\r\n'), null)
  })

  it('is found in the table [project] of pyproject.toml and in no other', () => {
    assert.equal(firstProjectDependency('[project]\nname = "x"\ndependencies = [\n  # one\n  "a>1",\n]\n'), 'a>1')
    assert.equal(firstProjectDependency('[project]\ndependencies = []\n[tool.x]\ndependencies = ["b"]\n'), null)
    assert.equal(firstProjectDependency('[project] # mine\ndependencies = [ "c" ]'), 'c')
  })

  it('is found in Poetry’s and Pipenv’s tables, where Python itself does not count', () => {
    assert.equal(
      firstTableEntry('[tool.poetry.dependencies]\npython = "^3.12"\n\n[x]\na = 1', 'tool.poetry.dependencies'),
      null,
    )
    assert.equal(firstTableEntry('[packages]\n"zope.interface" = "*"', 'packages'), 'zope.interface')
  })
})
