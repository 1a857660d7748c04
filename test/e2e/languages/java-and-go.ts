import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { run } from '#core/runtime/process.ts'
import { fixtureFolder, type World } from '#test/helpers/world.ts'
import type { Start } from '#test/helpers/shared-world.ts'

/** With packages that no test used before, a host prepares Java twice, Tomcat and Go first: some minutes, once. */
const BUILDS_WITHIN_MS = 900_000

export const javaAndGo = (start: Start): void =>
  void describe('Java, Go and programs that are brought compiled', function () {
    this.timeout(BUILDS_WITHIN_MS)
    let world: World
    let folder: string
    before(async function () {
      folder = await mkdtemp(join(tmpdir(), 'berth-program-'))
      world = await start()
      for (const app of ['jar', 'jar-before', 'war', 'compiled', 'brought']) await world.cli(['create', app])
    })
    after(async function () {
      await rm(folder, { recursive: true, force: true })
    })

    async function push(...args: Parameters<World['pushApp']>): Promise<string> {
      const { code, output } = await world.pushApp(...args)
      assert.equal(code, 0, output)
      return output
    }

    it('an app that makes a .jar runs on the Java that it names, beside one on another, with a heap of its sandbox’s size', async () => {
      const output = await push('jar', 'java-jar', { change: { 'system.properties': 'java.runtime.version=25\n' } })
      assert.match(output, /Java app detected: pom\.xml found/)
      assert.match(output, /asked for: --batch-mode .*-DskipTests package/)
      assert.match(output, /it answered; \d+ MB that its instances share/)
      // To make an archive the app is started once more: that of the .war is on 21.
      await world.cli(['config:set', 'BERTH_JAVA_ARCHIVE=off', '-a', 'jar-before'])
      await push('jar-before', 'java-jar')
      for (const [app, version, archive] of [
        ['jar', 25, 'mapped'],
        ['jar-before', 21, 'not mapped'],
      ] as const) {
        const { body } = await world.http(app, '/')
        const heapMb = Number(/heap (\d+) MB/.exec(body)?.[1])
        assert.match(
          body,
          new RegExp(`^java ${version}, .*processors 1, collector Copy, class archive ${archive}, `),
          body,
        )
        // Serial collection counts one of its survivor spaces out of the half that it was given.
        assert.ok(heapMb > 220 && heapMb <= 256, body)
      }
    })

    it('what the app says of its heap wins, and a .jar with a broken build names the step', async () => {
      await world.cli(['config:set', 'JAVA_TOOL_OPTIONS=-Xmx100m', 'BERTH_JAVA_ARCHIVE=off', '-a', 'jar'])
      const { body } = await world.http('jar', '/')
      assert.match(body, /heap (9\d|100) MB/)
      const { code, output } = await world.pushApp('jar', 'java-jar', {
        change: { 'src/main/java/app/Hello.java': 'class' },
      })
      assert.notEqual(code, 0)
      assert.match(output, /"\.\/mvnw .* package" failed with exit code 1/)
      assert.equal((await world.http('jar', '/')).body, body)
    })

    it('a .war of Java EE runs as it is, at /, and knows its client', async () => {
      const output = await push('war', 'java-war')
      assert.match(output, /hello\.war found/)
      assert.match(output, /Jakarta EE/)
      const first = await world.http('war', '/hello', { headers: { 'x-forwarded-for': '203.0.113.9' } })
      assert.match(first.body, /^visit 1 from (?!203\.0\.113\.9)[\d.]+ over http to war\.localhost at \/ on Java 21/)
      const cookie = String(first.headers['set-cookie']).split(';')[0] ?? ''
      assert.match((await world.http('war', '/hello', { headers: { cookie } })).body, /^visit 2 /)
      assert.match((await world.http('war', '/')).body, /JSP says 42/)
      const { stdout } = await world.cli(['run', '-a', 'war', 'ls -a /app; ls /app/.berth/tomcat'])
      assert.doesNotMatch(stdout, /hello\.war/)
    })

    it('a Go module with its dependencies in vendor/ becomes one static program, and its source stays out', async () => {
      const output = await push('compiled', 'go-vendored')
      assert.match(output, /Dependencies are those in vendor\//)
      assert.equal((await world.http('compiled', '/')).body.trim(), '<h1>hello from a Go app</h1>')
      const { stdout } = await world.cli([
        'run',
        '-a',
        'compiled',
        'find /app -type f; command -v go || echo no compiler',
      ])
      assert.deepEqual(stdout.trim().split(/\r?\n/).sort(), [
        '/app/bin/hello',
        '/app/templates/page.html',
        'no compiler',
      ])
    })

    it('a program that was compiled elsewhere runs by a Procfile, and without its executable bit is refused with the way out', async () => {
      const source = join(import.meta.dirname, '../../fixtures/compiled-app.c')
      await run(['gcc', '-O1', '-static', '-o', join(folder, 'serve'), source])
      await chmod(join(folder, 'serve'), 0o644)
      await writeFile(join(folder, 'Procfile'), 'web: ./serve\n')
      const fixture = relative(fixtureFolder('.'), folder)
      const refused = await world.pushApp('brought', fixture)
      assert.notEqual(refused.code, 0)
      assert.match(refused.output, /web runs serve, which is not executable\. Run "git update-index --chmod=\+x serve"/)
      await chmod(join(folder, 'serve'), 0o755)
      await push('brought', fixture)
      assert.equal((await world.http('brought', '/')).body, 'hello from a program that was brought compiled')
    })
  })
