/** What tests of the network have in common: a host, an Internet of its own, and a neighbour that must notice nothing. */
import type { RulesetInput } from '../../agent/sandbox/ruleset.ts'
import { startOutside, type Outside } from './outside.ts'
import { startNeighbour, type Neighbour } from './probes.ts'
import { startTestHost, type TestHost } from './sandboxes.ts'

export type Network = { world: TestHost; outside: Outside; neighbour: Neighbour }

/**
 * Starts them before the first test of the `describe` that calls this, and ends them after its last. Before each test the outside
 * forgets who contacted it; after each the neighbour must answer, and nothing of its link or the rules may have changed.
 * @param addresses those that the Internet has, and the ports on which it answers
 * @param given is handed what was started
 */
export function useNetwork(
  {
    rules = {},
    addresses,
    tcp = [80],
    udp = [80],
  }: { rules?: Partial<RulesetInput>; addresses: string[]; tcp?: number[]; udp?: number[] },
  given: (network: Network) => void,
): void {
  const started: Partial<Network> = {}
  before(async function () {
    this.timeout(180_000)
    const world = (started.world = await startTestHost({ rules }))
    const outside = (started.outside = await startOutside(world.host.slot, { addresses, tcp, udp }))
    const neighbour = (started.neighbour = await startNeighbour(world))
    given({ world, outside, neighbour })
  })
  beforeEach(() => started.outside?.contacts())
  afterEach(() => started.neighbour?.check())
  after(async () => {
    await started.neighbour?.stop()
    await started.outside?.stop()
    await started.world?.stop()
  })
}
