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
  const set = (what: 'build' | 'checks', patch: object | undefined) =>
    patch &&
    client.patch(['apps', app, what], patch).catch((error: unknown) => {
      out.note(`${what === 'build' ? 'How it is built' : 'Its health checks'} could not be set: ${messageOf(error)}`)
    })
  await set('build', build)
  await set('checks', checks)
}
