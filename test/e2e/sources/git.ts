import assert from 'node:assert/strict'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '#core/runtime/process.ts'
import { fixtureFolder, type World } from '#test/helpers/world.ts'
import type { Start } from '#test/helpers/shared-world.ts'

export const git = (start: Start): void =>
  void describe('ways to deploy', function () {
    this.timeout(240_000)
    let world: World
    let folder: string
    before(async () => {
      world = await start()
      folder = await mkdtemp(join(tmpdir(), 'berth-ways-'))
      await cp(fixtureFolder('node-plain'), folder, { recursive: true })
      await world.cli(['create', 'ways'])
    })
    after(async () => {
      await rm(folder, { recursive: true, force: true })
    })

    it('a folder without git runs, and its release has the digest of what was sent', async () => {
      const { stdout, stderr } = await world.cli(['deploy', folder, '-a', 'ways', '--message', 'Without git'])
      assert.match(stderr, /Sending \d+ files, .* to ways/)
      assert.match(stdout, /ways runs v1\./)
      assert.equal((await world.http('ways', '/')).status, 200)
      assert.match((await world.cli(['releases', '-a', 'ways'])).stdout, /Without git \(sha256:[0-9a-f]{12}\)/)
    })

    it('a push by SSH deploys, with a key that the CLI added and a host key that it showed', async () => {
      const key = join(folder, '..', `${folder.split('/').pop()}.key`)
      await run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'laptop', '-f', key])
      try {
        assert.match((await world.cli(['keys:add', `${key}.pub`])).stdout, /^Added laptop \(SHA256:/)
        assert.match((await world.cli(['keys'])).stdout, /laptop +SHA256:/)
        const host = (await world.cli(['keys', '--host'])).stdout.split('\n')
        assert.match(host[0] ?? '', /^SHA256:\S+ \(ED25519\), port \d+$/)
        await writeFile(`${key}.known`, `${host[1]}\n`)
        const ssh = `ssh -F /dev/null -i ${key} -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile=${key}.known`
        const identity = {
          GIT_AUTHOR_NAME: 'a',
          GIT_AUTHOR_EMAIL: 'a@b.c',
          GIT_COMMITTER_NAME: 'a',
          GIT_COMMITTER_EMAIL: 'a@b.c',
        }
        const git = (...args: string[]) =>
          run(['git', '-C', folder, ...args], {
            env: { ...world.env, ...identity, GIT_SSH_COMMAND: ssh },
            timeoutMs: 200_000,
          })
        await git('init', '--quiet', '--initial-branch=main')
        await git('add', '.')
        await git('commit', '--quiet', '-m', 'one')
        await world.cli(['git:remote', '--ssh', '-a', 'ways'], { cwd: folder })
        const { stderr } = await git('push', 'berth', 'main')
        assert.match(stderr, /remote: v2 is live at http:\/\/ways\.localhost/)
        const releases = await world.cli(['releases'], { cwd: folder })
        assert.match(releases.stdout, /laptop/)
        assert.equal((await world.http('ways', '/')).status, 200)
        await world.cli(['keys:remove', 'laptop'])
        await assert.rejects(git('fetch', 'berth'), /Permission denied|128/)
        assert.ok((await readFile(`${key}.known`, 'utf8')).includes('ssh-ed25519'))
      } finally {
        for (const suffix of ['', '.pub', '.known']) await rm(key + suffix, { force: true })
      }
    })
  })
