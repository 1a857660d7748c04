/** What Next.js leaves to others: its cache between builds, and the files that its standalone server is to have beside it. */
import { cp, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Build } from '../contract.ts'

const kept = ({ app, cacheFolder }: Build): string =>
  join(cacheFolder, 'next', encodeURIComponent(app.within?.path ?? '.'))
const used = ({ app }: Build): string => join(app.path, '.next', 'cache')

/** Gives a build the cache of the one before. */
export async function restoreNextCache(build: Build): Promise<void> {
  if (await isThere(kept(build))) await cp(kept(build), used(build), { recursive: true }).catch(() => undefined)
}

/** Takes the cache out of what is packed, and keeps it for the next build; a full cache only costs that one its time. */
export async function keepNextCache(build: Build): Promise<void> {
  if (!(await isThere(used(build)))) return
  await rm(kept(build), { recursive: true, force: true })
  await cp(used(build), kept(build), { recursive: true }).catch(() => rm(kept(build), { recursive: true, force: true }))
  await rm(used(build), { recursive: true, force: true })
}

/** The standalone server serves `public` and its static files only from its own folder, where Next.js does not put them. */
export async function completeStandalone({ app }: Build): Promise<void> {
  const standalone = join(app.path, '.next', 'standalone', app.within?.path ?? '.')
  if (!(await isThere(join(standalone, 'server.js')))) return
  for (const folder of ['public', join('.next', 'static')])
    if (await isThere(join(app.path, folder)))
      await cp(join(app.path, folder), join(standalone, folder), { recursive: true })
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )
