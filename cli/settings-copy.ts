/** What is set for an app and goes along when it is exported, imported or forked. */
import type { AppView, ChecksView, PatchBuild, PatchChecks, PatchFormation } from '#core/contract/api.ts'
import { messageOf } from '#core/domain/errors.ts'
import type { Client } from './client.ts'
import type { Context } from './context.ts'

export const sizesOf = (formation: AppView['formation']) =>
  Object.fromEntries(
    Object.entries(formation).flatMap(([type, process]) =>
      process
        ? [[type, { count: process.count, memoryMb: process.size.memoryMb, cpuMilli: process.size.cpuMilli }] as const]
        : [],
    ),
  ) satisfies PatchFormation

/** What was set for the app; what its code says comes with the code. */
export const ownChecks = ({ autoRollback, checks }: ChecksView): PatchChecks => ({
  autoRollback,
  processes: Object.fromEntries(
    checks.flatMap(({ process, from, ...check }) => (from === 'app' ? [[process, check] as const] : [])),
  ),
})

/** The code that comes along runs without them, so what this Berth does not take (a buildpack, a long start) is a note. */
export async function setHow(
  { out }: Context,
  client: Client,
  app: string,
  { build, checks }: { build?: PatchBuild | undefined; checks?: PatchChecks | undefined },
): Promise<void> {
  const told = (what: string) => (error: unknown) => out.note(`${what} could not be set: ${messageOf(error)}`)
  if (build) await client.patch('/apps/:app/build', { app, body: build }).catch(told('How it is built'))
  if (checks) await client.patch('/apps/:app/checks', { app, body: checks }).catch(told('Its health checks'))
}
