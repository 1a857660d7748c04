/** Puts package managers on PATH for the app's scripts, with caches of their own and the platform's registry. */
import { chmod, mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { invalidFile, type Build } from '../contract.ts'
import { settingsOf, type NodeApp } from './app.ts'
import type { Manager } from './manager.ts'

/**
 * Programs are launched by name from a folder of the build's own; npm is among them for every app, as scripts call it.
 * @returns the environment of every step
 */
export async function prepare(build: Build, nodeApp: NodeApp, manager: Manager): Promise<NodeJS.ProcessEnv> {
  const bin = join(build.buildFolder, 'bin')
  await mkdir(bin, { recursive: true })
  for (const [name, command] of Object.entries(await launchers(build, manager))) {
    await writeFile(join(bin, name), `#!/bin/sh\nexec ${command.map(quoted).join(' ')} "$@"\n`)
    await chmod(join(bin, name), 0o755)
  }
  const node = join(build.runtimesFolder, 'node')
  const path = [bin, join(node, 'bin'), build.env['PATH'] ?? '/usr/bin:/bin'].join(':')
  // Otherwise node-gyp fetches them from nodejs.org.
  const native = (await isThere(join(node, 'include/node/node.h'))) ? { npm_config_nodedir: node } : {}
  return { NODE_ENV: 'production', ...native, ...build.env, ...settingsFor(build, nodeApp, manager), PATH: path }
}

const quoted = (path: string) => `'${path.replaceAll("'", `'\\''`)}'`

async function launchers(
  { app, runtimesFolder }: Build,
  { name, program }: Manager,
): Promise<Record<string, string[]>> {
  const node = join(runtimesFolder, 'node', 'bin', 'node')
  const at = (runtime: string, ...names: string[]) => join(runtimesFolder, runtime, ...names)
  const npm = { npm: [node, at('npm', 'bin', 'npm-cli.js')], npx: [node, at('npm', 'bin', 'npx-cli.js')] }
  switch (name) {
    case 'npm':
      return npm
    case 'pnpm': {
      // A script for Node until version 11, a compiled program from 12 on.
      const script = at('pnpm', 'bin', 'pnpm.cjs')
      return { ...npm, pnpm: (await isThere(script)) ? [node, script] : [at('pnpm', 'bin', 'pnpm')] }
    }
    case 'yarn': {
      const root = (app.within?.root ?? app).path
      if (program !== null && !(await isThere(join(root, program))))
        throw invalidFile(`${program}, which yarnPath names, is not in the repository. Commit it, or remove yarnPath.`)
      const yarn = program === null ? at('yarn', 'bin', 'yarn.js') : join(root, program)
      return { ...npm, yarn: [node, yarn], yarnpkg: [node, yarn] }
    }
    case 'bun':
      return { ...npm, bun: [at('bun', 'bin', 'bun')], bunx: [at('bun', 'bin', 'bun'), 'x'] }
  }
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    (status) => status.isFile(),
    () => false,
  )

// ── settings ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function settingsFor(build: Build, nodeApp: NodeApp, manager: Manager): NodeJS.ProcessEnv {
  return { ...npmSettings(build, nodeApp), ...ownSettings(build, nodeApp, manager) }
}

/** npm's own, which Bun, Deno and older versions of the others read too. */
function npmSettings({ cacheFolder }: Build, nodeApp: NodeApp): NodeJS.ProcessEnv {
  return {
    NPM_CONFIG_CACHE: join(cacheFolder, 'npm'),
    NPM_CONFIG_AUDIT: 'false',
    NPM_CONFIG_FUND: 'false',
    NPM_CONFIG_UPDATE_NOTIFIER: 'false',
    NPM_CONFIG_PROGRESS: 'false',
    // A registry that the app chose itself goes before the platform's default.
    ...(hasRegistry(nodeApp) ? { NPM_CONFIG_REGISTRY: undefined } : {}),
  }
}

const hasRegistry = (nodeApp: NodeApp): boolean => /^\s*registry\s*=/m.test(settingsOf(nodeApp, '.npmrc') ?? '')

function ownSettings({ env, cacheFolder }: Build, nodeApp: NodeApp, { name, isBerry }: Manager): NodeJS.ProcessEnv {
  const registry = hasRegistry(nodeApp) ? undefined : env['NPM_CONFIG_REGISTRY']
  switch (name) {
    case 'npm':
      return {}
    case 'pnpm':
      return pnpmSettings({
        store_dir: join(cacheFolder, 'pnpm'),
        registry,
        // The store is on another file system than the app, and the app must not share files with the cache.
        package_import_method: 'copy',
        // Nobody is there to be asked whether packages may be removed, or to switch to the version that packageManager names.
        confirm_modules_purge: 'false',
        manage_package_manager_versions: 'false',
        reporter: 'append-only',
        update_notifier: 'false',
      })
    case 'yarn':
      return isBerry
        ? berrySettings(env, cacheFolder, nodeApp, registry)
        : { YARN_CACHE_FOLDER: join(cacheFolder, 'yarn') }
    case 'bun':
      return { BUN_INSTALL_CACHE_DIR: join(cacheFolder, 'bun'), DO_NOT_TRACK: '1' }
  }
}

/** From version 11 on, pnpm reads names of its own. */
function pnpmSettings(settings: Record<string, string | undefined>): NodeJS.ProcessEnv {
  const named = (prefix: string) =>
    Object.entries(settings).map(([name, value]) => [`${prefix}${name}`, value] as const)
  return Object.fromEntries([...named('npm_config_'), ...named('pnpm_config_')])
}

/** Packages are laid out in node_modules, which every tool understands and which can be shared by releases. */
function berrySettings(
  env: NodeJS.ProcessEnv,
  cache: string,
  nodeApp: NodeApp,
  registry: string | undefined,
): NodeJS.ProcessEnv {
  const text = settingsOf(nodeApp, '.yarnrc.yml') ?? ''
  const certificates = env['SSL_CERT_FILE'] ?? env['NODE_EXTRA_CA_CERTS']
  return {
    YARN_NODE_LINKER: 'node-modules',
    YARN_ENABLE_TELEMETRY: 'false',
    YARN_ENABLE_PROGRESS_BARS: 'false',
    YARN_GLOBAL_FOLDER: join(cache, 'yarn'),
    ...(certificates && !/^httpsCaFilePath:/m.test(text) ? { YARN_HTTPS_CA_FILE_PATH: certificates } : {}),
    ...(registry && !/^npmRegistryServer:/m.test(text) ? { YARN_NPM_REGISTRY_SERVER: registry } : {}),
  }
}
