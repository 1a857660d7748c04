import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { openFolder } from '#buildpacks/folder.ts'
import { readArchives } from '#buildpacks/java/facts.ts'
import { profileScript } from '#buildpacks/java/options.ts'

const run = promisify(execFile)

/** Makes an archive of members by name; a member that is an object is an archive itself. */
const PACK = `
import io, json, sys, zipfile
def pack(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, pack(content) if isinstance(content, dict) else content.encode("latin-1"))
    return out.getvalue()
open(sys.argv[1], "wb").write(pack(json.loads(sys.argv[2])))
`

describe('What an archive says of itself', function () {
  this.timeout(30_000)
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-jar-'))
  })
  after(() => rm(folder, { recursive: true, force: true }))

  const pack = (name: string, members: object) =>
    run('python3', ['-c', PACK, join(folder, name), JSON.stringify(members)])
  const factsOf = async (name: string) => (await readArchives(openFolder(folder), [name], process.env))[0]

  it('is its Main-Class, however the manifest breaks the line, and who made it', async () => {
    const manifest =
      'Manifest-Version: 1.0\r\nMAIN-class: com.example.a.very.long.na\r\n me.Main\r\nSpring-Boot-Version: 3.4\r\n\r\nName: x\r\nMain-Class: Wrong\r\n'
    await pack('app.jar', { 'META-INF/MANIFEST.MF': manifest })
    assert.deepEqual(await factsOf('app.jar'), {
      path: 'app.jar',
      main: 'com.example.a.very.long.name.Main',
      spring: true,
      servlet: null,
      error: null,
    })
    await pack('lib.jar', { 'a.class': '' })
    assert.equal((await factsOf('lib.jar'))?.main, null)
  })

  it('is the servlet API of a .war’s own code, and of its libraries where its own names none', async () => {
    const library = { 'x/Y.class': 'Ljavax/servlet/http/HttpServlet;' }
    await pack('old.war', { 'WEB-INF/web.xml': '<web-app xmlns="http://xmlns.jcp.org/xml/ns/javaee">' })
    await pack('new.war', { 'WEB-INF/classes/A.class': 'Ljakarta/servlet/Servlet;', 'WEB-INF/lib/l.jar': library })
    await pack('libraries.war', { 'index.html': '', 'WEB-INF/lib/l.jar': library })
    await pack('pages.war', { 'index.html': '', 'WEB-INF/lib/broken.jar': 'not an archive' })
    const servlets = ['old.war', 'new.war', 'libraries.war', 'pages.war'].map(
      async (name) => (await factsOf(name))?.servlet,
    )
    assert.deepEqual(await Promise.all(servlets), ['javax', 'jakarta', 'javax', null])
  })

  it('is that it cannot be read, when it cannot', async () => {
    await writeFile(join(folder, 'broken.jar'), 'PK\x03\x04 and then nothing')
    assert.match((await factsOf('broken.jar'))?.error ?? '', /zip/i)
  })
})

describe('What the JVM is told of its sandbox', function () {
  this.timeout(30_000)
  const script = profileScript({ commands: ['java -jar app.jar'], archive: null })
  const told = async (env: Record<string, string>) =>
    (await run('/bin/sh', ['-euc', `${script}\nprintf %s "$JAVA_TOOL_OPTIONS"`], { env })).stdout

  it('follows from the instance’s size', async () => {
    const small = await told({ BERTH_MEMORY_MB: '512', BERTH_CPUS: '1' })
    assert.match(
      small,
      /-XX:MaxRAM=512m -XX:MaxRAMPercentage=50 -XX:\+ExitOnOutOfMemoryError -XX:ActiveProcessorCount=1 -XX:\+UseSerialGC$/,
    )
    assert.match(await told({ BERTH_MEMORY_MB: '1024' }), /MaxRAMPercentage=60 .*UseSerialGC/)
    const large = await told({ BERTH_MEMORY_MB: '4096' })
    assert.match(large, /MaxRAM=4096m -XX:MaxRAMPercentage=75/)
    assert.doesNotMatch(large, /UseSerialGC/)
  })

  it('gives way to what the app says, which comes last', async () => {
    const own = await told({ BERTH_MEMORY_MB: '512', JAVA_TOOL_OPTIONS: '-Xmx200m -XX:+UseG1GC' })
    assert.match(own, / -Xmx200m -XX:\+UseG1GC$/)
    assert.doesNotMatch(own, /UseSerialGC/)
    assert.doesNotMatch(await told({ BERTH_MEMORY_MB: '512', JAVA_OPTS: '-XX:+UseZGC' }), /UseSerialGC/)
    assert.match(await told({ BERTH_MEMORY_MB: '512', JAVA_OPTS: '-XX:+UseStringDeduplication' }), /UseSerialGC/)
  })
})
