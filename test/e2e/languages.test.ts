import assert from 'node:assert/strict'
import { startWorld, type World } from '#test/helpers/world.ts'

/** Apps whose language comes from Debian, with dependencies that they bring along: no registry is asked. */
describe('An app in a language of Debian’s', function () {
  this.timeout(400_000)
  let world: World
  before(async () => {
    world = await startWorld()
  })
  after(async () => await world?.stop())

  async function pushed(name: string, fixture: string): Promise<string> {
    await world.cli(['create', name])
    const { code, output } = await world.pushApp(name, fixture)
    assert.equal(code, 0, output)
    return output
  }

  it('Python: wheels of the app’s own, installed into a virtual environment that is reused', async () => {
    const output = await pushed('snake', 'python-wheels')
    assert.match(output, /python 3\.13 \(\.python-version asks for 3\.13\)/)
    assert.match(output, /Using Python 3\.13\.\d+ of the stack/)
    assert.match(output, /pip install --no-index --find-links wheels -r requirements\.txt/)
    assert.match((await world.http('snake', '/')).body, /^Hello from a wheel of \/app\/\.venv, says Python 3\.13$/m)
  })
})
