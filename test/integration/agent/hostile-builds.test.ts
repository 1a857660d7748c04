import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { run } from '#core/runtime/process.ts'
import { runBuild, type BuildOptions, type BuildOutcome } from '#test/helpers/builds.ts'
import { listImage } from '#test/helpers/images.ts'
import { startTestHost, type TestHost } from '#test/helpers/sandboxes.ts'
import { tarOf, type TarEntry } from '#test/helpers/tar.ts'

const HOSTILE = join(import.meta.dirname, '../../fixtures/hostile-buildpack')
const SECRET = 'of-the-host-alone'

describe('A build of hostile files', function () {
  this.timeout(60_000)
  let world: TestHost
  let folder: string
  before(async function () {
    this.timeout(180_000)
    world = await startTestHost()
    folder = await mkdtemp(join(tmpdir(), 'berth-hostile-'))
    await writeFile(join(folder, 'secret'), SECRET)
  })
  after(async () => {
    await world?.stop()
    await rm(folder, { recursive: true, force: true })
  })
  afterEach('leaves no workspace, and the host as it was', async () => {
    assert.deepEqual(await readdir(world.folders.builds), [])
    assert.equal(await readFile(join(folder, 'secret'), 'utf8'), SECRET)
    assert.equal(existsSync('/tmp/berth-escaped'), false)
  })

  let builds = 0
  async function buildOf(entries: TarEntry[], options: Partial<BuildOptions> = {}): Promise<BuildOutcome> {
    const source = join(folder, `source-${++builds}.tar`)
    await writeFile(source, tarOf([{ name: 'index.html', content: 'hello' }, ...entries]))
    return runBuild(world, { source, ...options })
  }

  /** A build whose two phases do what a shell script says: `$1` is the phase. */
  async function scripted(script: string, options: Partial<BuildOptions> = {}): Promise<BuildOutcome> {
    const source = join(folder, `script-${++builds}`)
    await writeFile(
      source,
      `plan() { echo "{\\"buildpack\\":\\"x\\",\\"because\\":\\"x\\",\\"runtimes\\":[],\\"dependencies\\":$1}" > /build/plan.json; }
release() { echo '{"processes":{"web":"true"},"env":{}}' > /build/release.json; }
${script}`,
    )
    return runBuild(world, { source, buildpacks: HOSTILE, ...options })
  }

  /** Names, kinds and owners in the layers of a slug, as its images have them. */
  async function packed({ slug, error, log }: BuildOutcome): Promise<string> {
    assert.ok(slug, `${error}\n${log}`)
    const lists = slug.layers.map(({ digest }) => listImage(join(world.folders.layers, `${digest}.squashfs`)))
    return (await Promise.all(lists)).join('\n')
  }

  it('S01: detect and compile run without capabilities, with no_new_privs and seccomp, as every sandbox does', async () => {
    const { slug, statuses, error } = await buildOf([])
    assert.ok(slug, error)
    assert.equal(statuses.length, 2)
    for (const status of statuses) {
      for (const set of ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb'])
        assert.match(status, new RegExp(`^Cap${set}:\\t0{16}$`, 'm'))
      assert.match(status, /^NoNewPrivs:\t1$/m)
      assert.match(status, /^Seccomp:\t2$/m)
    }
  })

  it('S27: reads copies of the platform’s code, not the files that the host’s root executes', async () => {
    await buildOf([])
    const original = join(import.meta.dirname, '../../../buildpacks/assets')
    const copied = join(world.folders.platform, 'assets')
    const names = (await readdir(original, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
    assert.ok(names.length > 0)
    for (const { parentPath, name } of names) {
      const path = relative(original, join(parentPath, name))
      const [mine, theirs] = [await stat(join(original, path)), await stat(join(copied, path))]
      assert.notEqual(`${mine.dev}:${mine.ino}`, `${theirs.dev}:${theirs.ino}`, path)
    }
    for (const unpacker of ['fsck.erofs', 'unsquashfs']) {
      const mine = await stat(join('/usr/bin', unpacker))
      const theirs = await stat(join(world.folders.platform, 'unpackers', unpacker))
      assert.notEqual(`${mine.dev}:${mine.ino}`, `${theirs.dev}:${theirs.ino}`)
    }
    const { log, error } = await scripted(
      `[ $1 = detect ] && plan null && exit; stat -c 'is %u' /opt/berth-node/bin/node; touch /berth/main.mjs /opt/berth-node/x || true; release`,
    )
    assert.match(log, /^is 65534$/m, error)
    assert.match(log, /main\.mjs.*(Read-only file system|Permission denied)/)
    assert.match(log, /berth-node\/x.*(Read-only file system|Permission denied)/)
  })

  it('S30: writes nothing outside of the app’s folder, whatever the archive’s names say', async () => {
    const outcome = await buildOf([
      { name: '../../../../../../tmp/berth-escaped', content: 'x' },
      { name: '/tmp/berth-escaped', content: 'x' },
      { name: 'a/../../../../../../../../tmp/berth-escaped', content: 'x' },
      { name: 'way', type: 'link', link: '/tmp' },
      { name: 'way/berth-escaped', content: 'x' },
      { name: 'up', type: 'link', link: '../../../../../../../..' },
      { name: 'up/tmp/berth-escaped', content: 'x' },
    ])
    // tar may refuse the whole archive; what it takes stays inside.
    if (outcome.slug) assert.doesNotMatch(await packed(outcome), /\.\.\//)
    else assert.match(`${outcome.error} ${outcome.log}`, /tar/)
  })

  it('S30: a hard link to a file outside finds no file of the host', async () => {
    const { error, log, slug } = await buildOf([{ name: 'secret', type: 'hardLink', link: join(folder, 'secret') }])
    assert.equal(slug, null)
    assert.match(error, /A step of the build failed/)
    assert.match(log, /secret.*No such file/)
  })

  it('S29: takes links, odd names and names that differ in case only as they are, and setuid from nobody', async () => {
    const list = await packed(
      await buildOf([
        { name: 'shadow', type: 'link', link: '/etc/shadow' },
        { name: 'n'.repeat(255), content: 'x' },
        { name: Buffer.from([0x66, 0xff, 0xfe]), content: 'x' },
        { name: 'line\nbreak', content: 'x' },
        { name: '-rf', content: 'x' },
        { name: 'README', content: 'one' },
        { name: 'readme', content: 'two' },
        { name: 'rooted', mode: 0o6755, content: 'x' },
      ]),
    )
    assert.match(list, /^lrwx.* \.\/shadow -> \/etc\/shadow$/m)
    for (const name of ['n'.repeat(255), 'README', 'readme', '-rf', 'line\nbreak'])
      assert.ok(list.includes(`./${name}`), name)
    assert.match(list, /^-rwxr-xr-x.* \.\/rooted$/m)
    for (const line of list.split('\n').filter((line) => /\.\/./.test(line))) assert.doesNotMatch(line, /\s0\/0\s/)
  })

  it('S29: refuses pipes and sockets, and names them', async () => {
    const { slug, error } = await buildOf([{ name: 'a/pipe', type: 'fifo' }])
    assert.equal(slug, null)
    assert.match(error, /"a\/pipe" is a named pipe, and only files, folders and links can be in a slug/)
    const listening = await scripted(
      `[ $1 = detect ] && plan null && exit; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("/app/s")'; release`,
    )
    assert.equal(listening.slug, null)
    assert.match(listening.error, /"s" is a socket/)
  })

  it('S29: takes links that lead in circles or out of the app, and follows none of them', async () => {
    const list = await packed(
      await buildOf([
        { name: 'circle', type: 'link', link: 'circle' },
        { name: 'one', type: 'link', link: 'two' },
        { name: 'two', type: 'link', link: 'one' },
        { name: 'out', type: 'link', link: '../../../../..' },
        { name: 'secret', type: 'link', link: join(folder, 'secret') },
      ]),
    )
    for (const link of ['circle -> circle', 'one -> two', 'two -> one', 'out -> ../../../../..'])
      assert.ok(list.includes(`./${link}`), link)
  })

  it('S05: packs no file as setuid or setgid that a build has made so', async () => {
    const list = await packed(
      await scripted(
        `[ $1 = detect ] && plan null && exit; cp /bin/true /app/rooted; chmod 6755 /app/rooted; mkdir -m 2775 /app/shared; release`,
      ),
    )
    assert.match(list, /^-rwxr-xr-x.* \.\/rooted$/m)
    assert.match(list, /^drwxrwxr-x.* \.\/shared$/m)
  })

  it('S29: refuses devices, and says so', async () => {
    const { slug, error, log } = await buildOf([{ name: 'disk', type: 'block', mode: 0o666, device: [8, 0] }])
    assert.equal(slug, null)
    assert.match(error, /A step of the build failed/)
    assert.match(log, /disk: Cannot mknod: Operation not permitted/)
  })

  it('S29: refuses a file of 1 TiB of holes, before anybody reads it', async () => {
    await writeFile(join(folder, 'sparse'), '')
    await truncate(join(folder, 'sparse'), 1024 ** 4)
    await writeFile(join(folder, 'index.html'), 'hello')
    const source = join(folder, 'sparse.tar')
    await run(['tar', '--sparse', '-cf', source, '-C', folder, 'sparse', 'index.html'])
    const began = Date.now()
    const { slug, error, log } = await runBuild(world, { source })
    assert.equal(slug, null)
    assert.match(
      `${error} ${log}`,
      /together longer than 200 MB, "sparse" alone has 1099511627776 bytes|larger than a build may write/,
    )
    assert.ok(Date.now() - began < 20_000)
  })

  it('S29: ends a flood of tiny files at the limit of the image, and says that the disk is full', async () => {
    const flood = Array.from({ length: 16_000 }, (_, n) => ({ name: `${n}` }))
    const { slug, error } = await buildOf(flood)
    assert.equal(slug, null)
    assert.match(error, /more than its 200 MB of disk/)
  })

  it('S29: refuses folders that lie too deep, and names the path', async () => {
    const { slug, error } = await scripted(
      `[ $1 = detect ] && plan null && exit; cd /app; for n in $(seq 200); do mkdir d; cd d; done; release`,
    )
    assert.equal(slug, null)
    assert.match(error, /"d\/d\/d.*lies more than 128 folders deep/)
  })

  it('S32: reads a Procfile that is a link inside the sandbox, where there is nothing to find', async () => {
    const { slug, error, log } = await buildOf([{ name: 'Procfile', type: 'link', link: join(folder, 'secret') }])
    assert.ok(!`${error}${log}`.includes(SECRET))
    // No such file there: as if there were no Procfile.
    assert.equal(slug?.processes['web' as never] ?? error + log, 'node .berth/static/server.mjs .')
  })

  it('S32: does not follow a link that the build left in the place of its answer', async () => {
    for (const link of [join(folder, 'secret'), 'plan.json']) {
      const { slug, error, log } = await scripted(
        `[ $1 = detect ] && plan null && exit; ln -s ${link} /build/release.json`,
      )
      assert.equal(slug, null)
      assert.match(error, /The build left no release\.json that is a plain file \(ELOOP\)/)
      assert.ok(!log.includes(SECRET))
    }
    const { error } = await scripted(`[ $1 = detect ] && mkfifo /build/plan.json`)
    assert.match(error, /plan\.json that is not a plain file/)
  })

  it('S32: mounts no folder of the host by a link that a build put in the place of its dependencies', async () => {
    const dependencies = `'{"key":"${'a'.repeat(64)}","paths":["node_modules"]}'`
    const leaving = await scripted(
      `[ $1 = detect ] && plan ${dependencies} && exit; ln -s ${folder} /app/node_modules; release`,
    )
    assert.equal(leaving.slug, null)
    assert.match(leaving.error, /node_modules is not a folder but a link or a file/)

    // Dependencies of an earlier build, in good order, over a source that has a link in their place.
    const first = await scripted(
      `[ $1 = detect ] && plan ${dependencies} && exit; mkdir /app/node_modules; echo x > /app/node_modules/x; release`,
    )
    assert.ok(first.slug, first.error)
    const second = await scripted(
      `[ $1 = detect ] && ln -s /etc /app/node_modules && plan ${dependencies} && exit; ls /app/node_modules; release`,
    )
    assert.equal(second.slug, null)
    assert.match(second.error, /node_modules is not a folder/)
    const third = await scripted(`[ $1 = detect ] && plan ${dependencies} && exit; ls /app/node_modules; release`)
    assert.ok(third.slug, third.error)
    assert.match(third.log, /^x$/m)
  })

  it('B08: packs when every process of the build is dead, so that none changes what was checked', async () => {
    const { slug, error } = await scripted(
      `[ $1 = detect ] && plan null && exit; (setsid sh -c 'while :; do rm -rf /app/x; ln -s /etc /app/x; rm /app/x; mkdir /app/x; done' &) ; release`,
    )
    assert.ok(slug, error)
    assert.deepEqual(
      (await run(['ps', '-eo', 'args'])).stdout.split('\n').filter((line) => line.includes('ln -s /etc /app/x')),
      [],
    )
  })
})
