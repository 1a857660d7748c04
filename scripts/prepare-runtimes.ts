/** Prepares the runtimes that tests need, unless they are there, so that no test has to wait for them. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { messageOf } from '#core/domain/errors.ts'
import type { DebianRuntimeName } from '#core/domain/slug.ts'
import { DEBIAN_RELEASE } from '#core/domain/stack.ts'
import { readConfig, type Config } from '#core/runtime/config.ts'
import { silentLog } from '#core/runtime/log.ts'
import { mirrorsOf } from '../agent/host.ts'
import { ensureDebianRuntime } from '../agent/runtimes/debian.ts'
import { versionsOf } from '../agent/runtimes/packages.ts'
import { unmount } from '../agent/sandbox/mounts.ts'
import { ensureStack, mountStack } from '../agent/stack.ts'

/** Runtimes, and what they are prepared for. */
const wanted: Partial<Record<DebianRuntimeName, string>> = {
  toolchain: 'compiles what apps of the tests have in C',
  python: 'installs the packages of a Python app in the tests',
  ruby: 'runs a Ruby app in the tests',
  php: 'runs a PHP app in the tests',
  java: 'builds and runs Java apps in the tests',
  tomcat: 'runs a .war in the tests',
  go: 'compiles a Go app in the tests',
}

async function prepare(config: Config): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-prepare-'))
  const mirrors = mirrorsOf(config)
  const stack = await ensureStack({ cacheDir: config.cache, mirrors, onProgress: () => {}, log: silentLog })
  // The last part of its path names what it is (agent/runtimes/debian.ts).
  const root = join(folder, stack.name)
  const context = { cacheDir: config.cache, folder: join(folder, 'preparing'), slot: null, mirrors, log: silentLog }
  try {
    await mountStack(stack, root)
    const versions = (Object.entries(wanted) as [DebianRuntimeName, string][]).flatMap(([name, why]) =>
      versionsOf(DEBIAN_RELEASE, name).map(({ version }) => ({ name, why, version })),
    )
    for (const { name, why, version } of versions) {
      const onProgress = (line: string) => console.log(`==> ${name} ${version} (${why}): ${line}`)
      await ensureDebianRuntime({ name, version, root }, context, onProgress, AbortSignal.timeout(600_000))
    }
  } finally {
    await unmount(root)
    await rm(folder, { recursive: true, force: true })
  }
}

try {
  await prepare(readConfig(process.env))
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`)
  process.exit(1)
}
