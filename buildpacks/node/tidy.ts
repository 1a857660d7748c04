/** Takes away what package managers and build tools left for themselves, so that the same packages are the same bytes. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Build } from '../contract.ts'
import type { NodeApp } from './app.ts'

/** Caches, and notes with the time of the install or with paths of the build. */
const left = [
  '.cache',
  '.vite',
  '.vite-temp',
  '.modules.yaml',
  '.pnpm-workspace-state.json',
  '.pnpm-workspace-state-v1.json',
  '.yarn-state.yml',
  '.yarn-integrity',
]

export async function tidy({ app, dependenciesReused }: Build, { members }: NodeApp): Promise<void> {
  if (dependenciesReused) return
  const root = (app.within?.root ?? app).path
  for (const folder of ['', ...members.map(({ path }) => path)])
    for (const name of left) await rm(join(root, folder, 'node_modules', name), { recursive: true, force: true })
}
