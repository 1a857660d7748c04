import assert from 'node:assert/strict'
import { waitFor, type World } from '#test/helpers/world.ts'
import type { Start } from '#test/helpers/shared-world.ts'

/** Apps whose language comes from Debian, with dependencies that they bring along: no registry is asked. */
export const debian = (start: Start): void =>
  void describe('An app in a language of Debian’s', function () {
    this.timeout(400_000)
    let world: World
    before(async () => {
      world = await start()
    })

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

      const again = await world.pushApp('snake', 'python-wheels', { change: { 'notes.txt': 'new' } })
      assert.match(again.output, /Dependencies are those of the build before: nothing to install/)
      assert.match((await world.http('snake', '/')).body, /^Hello from a wheel/)
    })

    it('Ruby: gems of the app’s own, by Bundler', async () => {
      const output = await pushed('gem', 'ruby-gems')
      assert.match(output, /ruby 3\.3 \(Gemfile asks for ~> 3\.3\)/)
      assert.match(output, /Installing the gems of vendor\/cache \(bundle install --local\)/)
      assert.match((await world.http('gem', '/')).body, /^Hello from a gem in \/app\/vendor\/bundle, says Ruby 3\.3$/m)
      const { stdout } = await world.cli([
        'run',
        '-a',
        'gem',
        'ruby -e "puts RUBY_ENGINE"; command -v gcc || echo none',
      ])
      assert.match(stdout, /^ruby\nnone$/m)
    })

    it('PHP: a package of the app’s own, by Composer, behind nginx and php-fpm', async () => {
      const output = await pushed('elephant', 'php-composer')
      assert.match(output, /php 8\.4 \(composer\.json asks for \^8\.2\)/)
      assert.match(output, /Serving the folder public\/ by nginx and php-fpm/)
      assert.equal((await world.http('elephant', '/any/path?x=1')).body, 'Hello from Composer, says PHP 8.4\n')
      assert.match((await world.http('elephant', '/site.css')).body, /navy/)
      const settings: unknown = JSON.parse((await world.http('elephant', '/settings')).body)
      assert.deepEqual(settings, { memory_limit: '128M', opcache: true, uid: 1000, https: '' })
      for (const path of ['/.berth/php/serve', '/site.css/x.php'])
        assert.equal((await world.http('elephant', path)).status, 404, path)
    })

    it('PHP: an error of the app’s is in its log, and one server does not outlive the other', async () => {
      assert.equal((await world.http('elephant', '/broken')).status, 500)
      await waitFor(async () => /of the app, for its log/.test(await logOf('elephant')), {
        timeoutMs: 20_000,
        what: 'the error in the log',
      })
      await world.http('elephant', '/die').catch(() => undefined)
      await waitFor(
        async () => /php-fpm ended with exit code 137, so this process does too/.test(await logOf('elephant')),
        {
          timeoutMs: 30_000,
          what: 'the end of php-fpm in the log',
        },
      )
      await waitFor(async () => (await world.http('elephant', '/')).status === 200, {
        timeoutMs: 60_000,
        what: 'the restarted app',
      })
    })

    it('a sample app is made, built and served by one command', async () => {
      const greetings = { python: /^Hello from Python 3/, go: /^Hello from go1/, 'static-site': /Hello from Berth/ }
      for (const [template, greeting] of Object.entries(greetings)) {
        const { stdout } = await world.cli(['create', `my-${template}`, '--template', template])
        assert.match(stdout, /^Created my-\S+ with the template/)
        assert.match(stdout, /^It answers at http/m)
        assert.match((await world.http(`my-${template}`, '/')).body, greeting)
      }
    })

    const logOf = async (name: string) => (await world.cli(['logs', '-a', name, '-s', 'app', '-n', '200'])).stdout
  })
