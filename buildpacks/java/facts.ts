/** Looks at an app's archives: which there are, and what they say of themselves. */
import { join } from 'node:path'
import { assetFile } from '../assets.ts'
import { ask } from '../ask.ts'
import type { AppFolder } from '../contract.ts'
import { archivesIn, type Archive, type Facts } from './artifacts.ts'

const MAX_ARCHIVES = 50
const MAX_MODULES = 100

/** The archives in these folders; where there are none, those of the modules, which lie one folder deeper. */
export async function findArchives(app: AppFolder, folders: readonly string[]): Promise<string[]> {
  const here = await archivesOf(app, folders)
  if (here.length > 0) return here
  const modules = (await app.names()).filter((name) => !name.startsWith('.')).slice(0, MAX_MODULES)
  const below = modules.flatMap((module) => folders.filter((one) => one !== '.').map((one) => `${module}/${one}`))
  return archivesOf(app, below)
}

async function archivesOf(app: AppFolder, folders: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const folder of folders) found.push(...archivesIn(folder, await app.names(folder)))
  return found.slice(0, MAX_ARCHIVES)
}

const PROGRAM = assetFile('jar-facts.py')

export async function readArchives(app: AppFolder, paths: string[], env: NodeJS.ProcessEnv): Promise<Archive[]> {
  if (paths.length === 0) return []
  const answer = await ask({
    argv: ['/usr/bin/python3', '-I', '-S', PROGRAM, ...paths.map((path) => join(app.path, path))],
    env,
    folder: app.path,
  })
  const facts = JSON.parse(answer) as Facts[]
  return facts.flatMap((one, index) => [{ path: paths[index] ?? '', ...one }])
}
