/** An app as it comes from Heroku: app.json, .profile.d, a release command, a folder of a monorepo. */
import assert from 'node:assert/strict'
import { cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type World } from '#test/helpers/world.ts'
import type { Start } from '#test/helpers/shared-world.ts'

const server = `import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = ' '.join(os.environ.get(name, '-') for name in ('GREETED', 'GREETING', 'SECRET')).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass
http.server.ThreadingHTTPServer(('', int(os.environ['PORT'])), Handler).serve_forever()
`
const appJson = {
  env: { GREETING: 'hello', SECRET: { generator: 'secret' }, STRIPE_KEY: { description: 'from the dashboard' } },
  formation: { web: { quantity: 2, size: '128M' } },
  scripts: { postdeploy: 'echo seeded for $GREETED' },
  healthchecks: { web: { path: '/' } },
  addons: ['heroku-redis'],
}
const files = {
  'apps/web/app.json': JSON.stringify(appJson, null, 2),
  'apps/web/Procfile': 'web: python3 server.py\n',
  'apps/web/server.py': server,
  'apps/web/.profile.d/greet.sh': 'names=(Ada Grace); [[ -n $HOME ]] && export GREETED="${names[0]}"\n',
  'apps/other/Procfile': 'web: false\n',
}

export const fromHeroku = (start: Start): void =>
  void describe('An app that comes from Heroku', function () {
    this.timeout(300_000)
    let world: World
    before(async () => {
      world = await start()
      await mkdir(join(world.home, 'buildpacks'), { recursive: true })
      const fixture = join(import.meta.dirname, '../../fixtures/buildpacks/profile')
      await cp(fixture, join(world.home, 'buildpacks/company-base'), { recursive: true })
      await world.cli(['create', 'shop'])
    })

    it('is told what it lacks before anything is built', async () => {
      assert.match((await world.cli(['buildpacks', '-a', 'shop'])).stderr, /the operator offers company-base/)
      await world.cli(['apps:set', 'root=apps/web', '-a', 'shop'])
      const { code, output } = await world.pushApp('shop', null, { change: files })
      assert.notEqual(code, 0)
      assert.match(output, /app\.json: left out "addons"/)
      assert.match(output, /app\.json requires config vars that are not set: STRIPE_KEY\. Set them and push again/)
      assert.match((await world.cli(['releases', '-a', 'shop'], { allowFailure: true })).stdout, /^(?!.*v1)/s)
    })

    it('runs as its app.json says, with its profile before each command', async () => {
      await world.cli(['config:set', 'STRIPE_KEY=sk', '-a', 'shop'])
      const { code, output } = await world.pushApp('shop', null, { change: files })
      assert.equal(code, 0, `${output}\n${await world.logs()}`)
      assert.match(output, /The app is apps\/web\/; the rest of the repository is left out/)
      assert.match(output, /Config vars set as app\.json says: GREETING, SECRET/)
      assert.match(output, /Starting web=2/)
      assert.match(output, /seeded for Ada[^]*postdeploy script done in/)
      const { body } = await world.http('shop', '/')
      assert.match(body, /^Ada hello [0-9a-f]{64}$/)
      assert.match((await world.cli(['ps', '-a', 'shop'])).stdout, /web\.1[^]*web\.2/)
      const ran = await world.cli(['run', '-a', 'shop', '--', 'sh', '-c', 'echo "$GREETED and $STRIPE_KEY"'])
      assert.match(ran.stdout, /Ada and sk/)
      const info = (await world.cli(['info', '-a', 'shop'])).stdout
      assert.match(info, /Root folder:? +apps\/web/)
      assert.match(info, /web:? +2 × 128 MiB/)
    })

    it('a second push keeps what was set and runs no script again', async () => {
      const before = await world.cli(['config:get', 'SECRET', '-a', 'shop'])
      const { code, output } = await world.pushApp('shop', null, { change: { ...files, 'apps/web/new': 'x' } })
      assert.equal(code, 0, output)
      assert.doesNotMatch(output, /postdeploy|Config vars set/)
      assert.equal((await world.cli(['config:get', 'SECRET', '-a', 'shop'])).stdout, before.stdout)
    })

    it('is not deployed with an app.json that is wrong, and the line is named', async () => {
      const change = {
        ...files,
        'apps/web/app.json': '{\n  "formation": {\n    "web": { "quantity": "two" }\n  }\n}\n',
      }
      const { code, output } = await world.pushApp('shop', null, { change })
      assert.notEqual(code, 0)
      assert.match(
        output,
        /app\.json, line 3: "formation\.web\.quantity" must be a whole number from 0 to 1000, got "two"/,
      )
      assert.match((await world.http('shop', '/')).body, /^Ada/)
    })
  })
