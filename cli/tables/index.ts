/** The command table: one line per topic's rows. A new area adds its own line here, and nothing elsewhere. */
import type { CommandSpec } from '../program.ts'
import { accessCommands } from './access.ts'
import { liveCommands } from './live.ts'
import { alertCommands } from './alert.ts'
import { appCommands } from './apps.ts'
import { buildpackCommands } from './buildpacks.ts'
import { certCommands } from './certs.ts'
import { configCommands } from './config.ts'
import { execCommands } from './exec.ts'
import { gitCommands } from './git.ts'
import { hostCommands } from './hosts.ts'
import { logCommands } from './logs.ts'
import { localCommands } from './local.ts'
import { opsCommands } from './ops.ts'
import { releaseCommands } from './releases.ts'
import { routingCommands } from './routing.ts'
import { runningCommands } from './running.ts'
import { runCommands } from './runs.ts'
import { sessionCommands } from './session.ts'
import { tenantCommands } from './tenants.ts'

export const commands: CommandSpec[] = [
  ...sessionCommands,
  ...appCommands,
  ...buildpackCommands,
  ...logCommands,
  ...execCommands,
  ...runningCommands,
  ...runCommands,
  ...configCommands,
  ...certCommands,
  ...routingCommands,
  ...releaseCommands,
  ...gitCommands,
  ...localCommands,
  ...hostCommands,
  ...tenantCommands,
  ...accessCommands,
  ...liveCommands,
  ...alertCommands,
  ...opsCommands,
]
