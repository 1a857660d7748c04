/** `npm run cli:build [FOLDER]`: writes the command line's package and its tarball; dist/cli if no folder is named. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { messageOf } from '#core/domain/errors.ts'
import { packageFiles, tarball } from './cli/package.ts'

async function write(folder: string): Promise<void> {
  const files = await packageFiles()
  for (const { path, content, isExecutable } of files) {
    const target = join(folder, 'package', path)
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, content, { mode: isExecutable ? 0o755 : 0o644 })
  }
  await writeFile(join(folder, 'cli.tgz'), await tarball(files))
}

const folder = resolve(process.argv[2] ?? join(import.meta.dirname, '../dist/cli'))
try {
  await write(folder)
  console.log(join(folder, 'cli.tgz'))
} catch (error) {
  process.stderr.write(`The command line could not be packed: ${messageOf(error)}\n`)
  process.exitCode = 1
}
