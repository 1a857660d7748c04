/** Stacks as the API shows them: those that operators have built, then the images that hosts have made for themselves. */
import type { StacksView, StackView } from '#core/contract/api.ts'
import type { Host } from '#core/domain/host.ts'
import type { Instance } from '#core/domain/instance.ts'
import type { KnownStack, StackChoice } from '#core/domain/stack.ts'
import { hasEnded } from '../reconcile/world.ts'
import { isUnderWay } from '../stacks.ts'

export type Facts = { stacks: KnownStack[]; choice: StackChoice | null; hosts: Host[]; instances: Instance[] }

export function stacksView(facts: Facts): StacksView {
  const current = facts.choice?.current ?? null
  const running = facts.instances.filter(({ desired, reported }) => desired.intent === 'run' && !hasEnded(reported))
  return {
    current,
    previous: facts.choice?.previous ?? null,
    instances: running.length,
    onCurrent: running.filter(({ desired }) => desired.stack === current).length,
    stacks: [...facts.stacks.map((stack) => builtView(stack, facts, running)), ...ownViews(facts, running)],
  }
}

function builtView(stack: KnownStack, { choice, hosts }: Facts, running: Instance[]): StackView {
  const { name, report } = stack
  const built = report?.state === 'built' ? report : null
  const unfinished = isUnderWay(stack, hosts) ? 'building' : 'lost'
  return {
    name,
    state: built ? 'built' : report?.state === 'failed' ? 'failed' : unfinished,
    own: false,
    inUse: choice?.current === name,
    debian: built?.debian ?? null,
    digest: built?.digest ?? null,
    bytes: built?.bytes ?? null,
    builtAt: built ? new Date(built.at).toISOString() : null,
    builtOn: stack.host,
    instances: running.filter(({ desired }) => desired.stack === name).length,
    hosts: hosts.filter(({ stacks }) => stacks.some((found) => found.name === name)).map(({ id }) => id),
    error: report?.state === 'failed' ? report.error : null,
  }
}

/** Two hosts' own images have one name when they follow one recipe, and differ in their bytes all the same. */
function ownViews({ choice, hosts }: Facts, running: Instance[]): StackView[] {
  const images = hosts.flatMap((host) =>
    host.stacks.filter(({ name }) => name === host.stack).map((image) => ({ host, image })),
  )
  const groups = Map.groupBy(images, ({ image }) => `${image.name} ${image.digest ?? ''}`)
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    if (!first) return []
    const { name, digest, bytes, debian, builtAt } = first.image
    const ids = group.map(({ host }) => host.id)
    return {
      name,
      state: 'built',
      own: true,
      inUse: (choice?.current ?? null) === null,
      debian,
      digest,
      bytes,
      builtAt: new Date(builtAt).toISOString(),
      builtOn: ids.length === 1 ? (ids[0] ?? null) : null,
      instances: running.filter(({ desired }) => desired.stack === null && ids.includes(desired.hostId)).length,
      hosts: ids,
      error: null,
    } satisfies StackView
  })
}
