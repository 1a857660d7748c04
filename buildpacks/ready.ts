/** A ready slug (core/domain/slug-file.ts), unpacked as the app's own user: its images may be anybody's. */
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { IMAGE_HEAD_BYTES, imageKind, type ImageKind } from '#core/domain/image.ts'
import { BuildFailure, exitCodes, type Output, type Plan } from './contract.ts'
import { runQuietly } from './steps.ts'

const UNPACKERS = join(import.meta.dirname, 'unpackers')
/** As many as a plan may name; more are packed together with the app. */
const MAX_PATHS = 8

type Manifest = { slug: { buildpack: string; layers: { digest: string; kind: string }[] } }

/**
 * Puts the slug's files where a build would have left them.
 * @returns a plan that says which folders were its dependencies, so that they become a layer of their own again
 */
export async function unpackSlug(
  { app, build, source }: { app: string; build: string; source: string },
  output: Output,
): Promise<Plan> {
  const folder = join(build, 'slug')
  await mkdir(folder)
  await runQuietly(['tar', '-x', '--no-same-owner', '-f', source, '-C', folder], folder, output)
  const { slug } = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as Manifest
  output.title(`Unpacking a ready slug of ${slug.layers.length === 1 ? '1 layer' : `${slug.layers.length} layers`}`)
  // On the app's own file system, so that folders can move over whole.
  const apart = join(app, '.berth-dependencies')
  for (const { digest, kind } of slug.layers) {
    const image = join(folder, 'layers', `${digest}.squashfs`)
    await runQuietly(await unpackCommand(image, kind === 'dependencies' ? apart : app), folder, output)
    await rm(image)
  }
  const paths = await moveIn(apart, app, '')
  const key = slug.layers.find(({ kind }) => kind === 'dependencies')?.digest
  const apartAgain = key !== undefined && paths.length > 0 && paths.length <= MAX_PATHS
  return {
    buildpack: slug.buildpack,
    because: 'it is a ready slug',
    runtimes: [],
    dependencies: apartAgain ? { key, paths } : null,
  }
}

/** By the host's programs, with the libraries that come with them: the stack's may be of another Debian. */
async function unpackCommand(image: string, folder: string): Promise<[string, ...string[]]> {
  const kind = await kindOf(image)
  if (kind === null) throw new BuildFailure(exitCodes.failedStep, `A layer of the slug is neither EROFS nor squashfs.`)
  const loader = [join(UNPACKERS, 'loader'), '--library-path', UNPACKERS] as const
  return [...loader, ...unpackers[kind](image, folder)]
}

const unpackers: Record<ImageKind, (image: string, folder: string) => string[]> = {
  erofs: (image, folder) => [
    join(UNPACKERS, 'fsck.erofs'),
    // No more than errors.
    '-d1',
    `--extract=${folder}`,
    '--overwrite',
    '--no-preserve-owner',
    '--preserve-perms',
    image,
  ],
  squashfs: (image, folder) => [
    join(UNPACKERS, 'unsquashfs'),
    '-quiet',
    '-no-progress',
    '-no-xattrs',
    '-force',
    '-processors',
    '1',
    // In MiB; by itself it takes twice 256 of them.
    '-data-queue',
    '64',
    '-frag-queue',
    '64',
    '-dest',
    folder,
    image,
  ],
}

async function kindOf(image: string): Promise<ImageKind | null> {
  const file = await open(image)
  const { buffer, bytesRead } = await file
    .read(Buffer.alloc(IMAGE_HEAD_BYTES), 0, IMAGE_HEAD_BYTES, 0)
    .finally(() => file.close())
  return imageKind(buffer.subarray(0, bytesRead))
}

/**
 * Moves folders that are nowhere in the app; looks into those that are. What is in both is the app's, as in its layers.
 * @returns the paths of the folders that were moved
 */
async function moveIn(from: string, to: string, below: string): Promise<string[]> {
  const moved: string[] = []
  const there = new Map((await entriesOf(join(to, below))).map((entry) => [entry.name, entry]))
  for (const entry of await entriesOf(join(from, below))) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    const mine = there.get(entry.name)
    if (mine?.isDirectory() && entry.isDirectory()) moved.push(...(await moveIn(from, to, path)))
    else if (mine === undefined) {
      await rename(join(from, path), join(to, path))
      if (!entry.isDirectory())
        throw new BuildFailure(exitCodes.failedStep, `The slug's dependencies hold ${path}, which is not a folder.`)
      moved.push(path)
    }
  }
  if (below === '') await rm(from, { recursive: true, force: true })
  return moved
}

const entriesOf = (folder: string) => readdir(folder, { withFileTypes: true }).catch(() => [])
