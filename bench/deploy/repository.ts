/** A folder with its history, pushed as a person does. */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fixtureFolder, type World } from '#test/helpers/world.ts'

export type Repository = {
  folder: string
  /** Writes files and commits them. */
  change(files: Record<string, string>): Promise<void>
  changeJson(file: string, change: (json: object) => object): Promise<void>
  /** @throws with git's output when the push is refused or its deploy fails */
  push(app: string): Promise<void>
}

const identity = ['-c', 'user.name=Bench', '-c', 'user.email=bench@example.invalid']

/** @param fixture one of the tests' apps; null: nothing yet */
export async function openRepository(world: World, folder: string, fixture: string | null): Promise<Repository> {
  const git = async (...args: string[]) => {
    const ran = await world.git(args, folder)
    if (ran.code !== 0) throw new Error(`git ${args.join(' ')} ended with ${ran.code}: ${ran.stderr}`)
  }
  const commit = async () => {
    await git('add', '--all')
    await git(...identity, 'commit', '--quiet', '--allow-empty', '--message', 'A change')
  }
  await mkdir(folder, { recursive: true })
  if (fixture !== null)
    await cp(fixtureFolder(fixture), folder, { recursive: true, filter: (path) => !path.includes('node_modules') })
  await git('init', '--quiet', '--initial-branch=main')
  await writeFile(join(folder, '.gitignore'), 'node_modules/\n')
  await commit()

  async function change(files: Record<string, string>): Promise<void> {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true })
      await writeFile(join(folder, name), text)
    }
    await commit()
  }

  return {
    folder,
    change,
    async changeJson(file, edit) {
      const json = JSON.parse(await readFile(join(folder, file), 'utf8')) as object
      await change({ [file]: JSON.stringify(edit(json), null, 2) })
    },
    async push(app) {
      const credentials = `http.extraHeader=Authorization: Basic ${Buffer.from(`berth:${world.token}`).toString('base64')}`
      await git('-c', credentials, 'push', '--quiet', `${world.apiUrl}/git/${app}.git`, 'main')
    },
  }
}
