/** What an app's build settings become in its build: names in the environment, and buildpacks of the operator's as files. */
import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { BuildPlan } from '#core/contract/buildpack.ts'
import type { BuildSpec } from '#core/contract/internal.ts'
import { messageOf } from '#core/domain/errors.ts'
import type { ControllerClient } from './controller-client.ts'

/** For buildpacks/given.ts; config vars come as what they are, so here are their names alone. */
export const settingsOf = ({ buildpacks, root, env, previous, commit }: BuildSpec): Record<string, string> => ({
  BERTH_BUILDPACKS: JSON.stringify(buildpacks),
  BERTH_APP_ROOT: root ?? '',
  BERTH_CONFIG_NAMES: Object.keys(env).join(' '),
  BERTH_FIRST_DEPLOY: previous === null ? '1' : '',
  SOURCE_VERSION: commit,
})

/**
 * Between the two phases, when the tenant's processes of the first are dead and those of the second not yet there. The
 * build's folder is the tenant's: a folder or file that is there already is an error, so that no link is followed.
 * @throws an Error when the controller has none of that name
 */
export async function bringOffered(
  controller: Pick<ControllerClient, 'downloadBuildpack'>,
  offered: BuildPlan['offered'],
  buildFolder: string,
  signal: AbortSignal,
): Promise<void> {
  if (offered.length === 0) return
  const folder = join(buildFolder, 'offered')
  await mkdir(folder, { mode: 0o755 })
  for (const { name, ref } of distinct(offered)) {
    const file = join(folder, `${name}.tar`)
    await controller.downloadBuildpack(name, ref, file, signal).catch((error: unknown) => {
      throw / 404\b/.test(messageOf(error)) ? notOffered(name, ref, error) : error
    })
    await chmod(file, 0o644)
  }
}

const notOffered = (name: string, ref: string | null, cause: unknown) =>
  new Error(
    `The operator offers no buildpack ${name}${ref === null ? '' : ` at ${ref}`} (any more). See what there is: berth buildpacks`,
    { cause },
  )

const distinct = (offered: BuildPlan['offered']) => [...new Map(offered.map((one) => [one.name, one])).values()]
