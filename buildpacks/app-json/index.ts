/** The app.json of a build: read once, its words said, and what a first deploy lacks refused before anything is built. */
import { describeBuildpack } from '#core/domain/buildpack.ts'
import { BuildFailure, exitCodes, type AppFolder, type Output } from '../contract.ts'
import { MIB } from '../folder.ts'
import { emptyAppJson, parseAppJson, type AppJson } from './parse.ts'

export type { AppJson }

/** @throws BuildFailure that names the line */
export async function readAppJson(app: AppFolder): Promise<AppJson> {
  const text = await app.read('app.json', MIB)
  return text === null ? emptyAppJson : parseAppJson(text)
}

export type Known = {
  /** Names of the config vars that are set. */
  config: string[]
  /** No release was made before. */
  isFirst: boolean
  /** Buildpacks were set for the app, which go before those of app.json. */
  hasBuildpacks: boolean
}

/** @throws BuildFailure when a first deploy lacks a config var, naming all of them */
export function tellAppJson(app: AppJson, { config, isFirst, hasBuildpacks }: Known, output: Output): void {
  for (const sentence of app.ignored) output.warning(`app.json: left out ${sentence}.`)
  if (hasBuildpacks && app.buildpacks.length > 0)
    output.line(
      `app.json names ${app.buildpacks.map(describeBuildpack).join(', ')}; the buildpacks set for this app go before`,
    )
  const missing = app.required.filter((name) => !config.includes(name))
  if (missing.length === 0) return
  if (isFirst) throw lacking(missing)
  output.warning(
    `app.json asks for config vars that are not set: ${missing.join(', ')}. Set them with berth config:set.`,
  )
}

const lacking = (names: string[]) =>
  new BuildFailure(
    exitCodes.missingConfig,
    `app.json requires config vars that are not set: ${names.join(', ')}. ` +
      `Set them and push again: berth config:set ${names.map((name) => `${name}=…`).join(' ')}`,
  )

/** What of it goes into release.json. */
export const releasePartOf = (app: AppJson) =>
  app === emptyAppJson ? {} : { health: app.health, cron: app.cron, manifest: app.manifest }

/** What the app's first build sees of the values that its first release sets. */
export function defaultsOf({ manifest }: AppJson, { config, isFirst }: Known): Record<string, string> {
  if (!isFirst) return {}
  return Object.fromEntries(
    Object.entries(manifest.env).flatMap(([name, variable]) =>
      'value' in variable && !config.includes(name) ? [[name, variable.value]] : [],
    ),
  )
}
