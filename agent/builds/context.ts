/** What builds work with. Made in agent/index.ts. */
import type { DeployId } from '#core/domain/ids.ts'
import type { BuildReport } from '#core/domain/release.ts'
import type { Config } from '#core/runtime/config.ts'
import type { Log } from '#core/runtime/log.ts'
import type { ControllerClient } from '../controller-client.ts'
import type { Meter } from '../metering.ts'
import type { Places } from '../ports.ts'
import type { Preparations } from '../prepared.ts'
import type { Runtimes } from '../runtimes/index.ts'
import type { SandboxHost } from '../sandbox/index.ts'
import type { BindMount } from '../sandbox/spec.ts'
import type { Layers } from '../slug.ts'
import type { Stacks } from '../stacks.ts'

export type BuildContext = {
  log: Log
  config: Config
  host: SandboxHost
  /** Folders of workspaces and of the apps' caches. */
  folder: string
  cacheFolder: string
  /** The buildpacks' own code and the Node that runs it, mounted read-only into every build. */
  platformBinds: BindMount[]
  stacks: Stacks
  baseEnv: Record<string, string>
  controller: ControllerClient
  layers: Layers
  runtimes: Runtimes
  places: Places
  /** Networks that are made already; null: there are none. */
  preparations: Pick<Preparations, 'take'> | null
  meter: Pick<Meter, 'track' | 'countOutput' | 'finish'>
  print(deploy: DeployId, lines: string[]): Promise<void>
  report(deploy: DeployId, report: BuildReport): Promise<boolean>
  now: () => number
}
