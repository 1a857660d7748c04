import assert from 'node:assert/strict'
import { buildpacks, choose } from '#buildpacks/index.ts'
import { anAppFolder } from '#test/helpers/app-folder.ts'

const chosen = async (files: Record<string, string | object>) =>
  (await choose(anAppFolder(files))).buildpack?.name ?? null

describe('Choosing a buildpack', () => {
  it('takes the first that accepts: node, python, ruby, php, static, procfile', async () => {
    const all = { 'package.json': '{}', 'requirements.txt': '', 'index.html': '', Procfile: 'web: ./run' }
    assert.equal(await chosen(all), 'node')
    const { 'package.json': _, ...withoutNode } = all
    assert.equal(await chosen(withoutNode), 'python')
    const { 'requirements.txt': __, ...withoutPython } = withoutNode
    assert.equal(await chosen(withoutPython), 'static')
    assert.equal(await chosen({ Procfile: 'web: ./run' }), 'procfile')
  })

  it('knows Deno and Bun by their own files, and leaves a Node app that has a deno.json beside it to Node', async () => {
    for (const name of ['deno.json', 'deno.jsonc', 'deno.lock']) assert.equal(await chosen({ [name]: '{}' }), 'deno')
    for (const name of ['bun.lock', 'bun.lockb', 'bunfig.toml'])
      assert.equal(await chosen({ 'package.json': '{}', [name]: '' }), 'bun')
    assert.equal(await chosen({ 'package.json': { packageManager: 'bun@1.4.5' } }), 'bun')
    const scripts = { start: 'node server.js' }
    assert.equal(await chosen({ 'package.json': { scripts }, 'deno.json': '{}' }), 'node')
    assert.equal(
      await chosen({ 'package.json': { scripts: { start: 'deno run main.ts' } }, 'deno.json': '{}' }),
      'deno',
    )
  })

  it('says what it saw, with the framework when it knows it', async () => {
    const choice = await choose(anAppFolder({ 'package.json': { dependencies: { express: '^5.0.0' } } }))
    assert.deepEqual(choice.buildpack && choice.detection, {
      accepted: true,
      what: 'Express/Node.js app',
      because: 'package.json found',
    })
  })

  it('knows a Python app by its usual files, its entry point, or a .py file beside a Procfile', async () => {
    for (const name of [
      'requirements.txt',
      'pyproject.toml',
      'setup.py',
      'runtime.txt',
      'Pipfile',
      'app.py',
      'main.py',
    ])
      assert.equal(await chosen({ [name]: '' }), 'python', name)
    assert.equal(await chosen({ 'server.py': '', Procfile: 'web: python3 server.py' }), 'python')
    assert.equal(await chosen({ 'server.py': '' }), null)
  })

  it('knows a static site by index.html in the root, in public or in dist', async () => {
    for (const name of ['index.html', 'public/index.html', 'dist/index.html'])
      assert.equal(await chosen({ [name]: '' }), 'static', name)
    assert.equal(await chosen({ 'docs/index.html': '' }), null)
  })

  it('tells what each looked for when none accepts', async () => {
    const choice = await choose(anAppFolder({ 'README.md': '' }))
    assert.equal(choice.buildpack, null)
    assert.deepEqual(
      choice.lookedFor.map(({ name }) => name),
      buildpacks.map(({ name }) => name),
    )
    assert.match(choice.lookedFor.find(({ name }) => name === 'node')?.lookedFor ?? '', /package\.json, found none/)
  })
})
