/** What the platform says of the app beside its source: its build settings, and which config vars it has. By name in the environment. */
import { readBuildpack, type BuildpackSource } from '#core/domain/buildpack.ts'
import { invalidFile } from './contract.ts'

export type Given = {
  /** In their order; none: app.json's, or what the source looks like. */
  buildpacks: BuildpackSource[]
  /** The folder of the source that is the app. */
  root: string | null
  /** Names of the config vars that are set. */
  config: string[]
  /** No release was made before. */
  isFirst: boolean
}

/** @throws BuildFailure for a buildpack that was set once and is no longer known */
export function readGiven(env: NodeJS.ProcessEnv): Given {
  const root = env['BERTH_APP_ROOT'] ?? ''
  return {
    buildpacks: (JSON.parse(env['BERTH_BUILDPACKS'] ?? '[]') as string[]).map(asSource),
    root: root === '' ? null : root,
    config: (env['BERTH_CONFIG_NAMES'] ?? '').split(' ').filter((name) => name !== ''),
    isFirst: env['BERTH_FIRST_DEPLOY'] === '1',
  }
}

function asSource(text: string): BuildpackSource {
  const read = readBuildpack(text)
  if (read.ok) return read.source
  throw invalidFile(`A buildpack of this app cannot be used: ${read.why}. See: berth buildpacks`)
}
