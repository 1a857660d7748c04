/** Connections to where tenants say: webhooks, drains. The rest of the controller uses only what is exported here. */
import { readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { readNetwork, type Network } from '#core/domain/network.ts'
import type { Config } from '#core/runtime/config.ts'
import type { OutboundPolicy } from './address.ts'
import { createResolveName } from './resolve.ts'
import { createOutbound, type Outbound } from './send.ts'

export { judgeAddress, type OutboundPolicy } from './address.ts'
export { createOutbound, type Outbound, type OutboundAnswer, type OutboundRequest } from './send.ts'
export { faultOfUrl, hostOf } from './url.ts'

type Settings = Pick<Config, 'outbound' | 'blocked' | 'routers' | 'hostAddress' | 'domainResolvers'>

/** As the settings have it. A bundle of authorities that is not there is done without. */
export async function openOutbound(config: Settings): Promise<Outbound> {
  const ca = await readFile(config.outbound.caBundle, 'utf8').catch(() => null)
  const named = read(config.outbound.networks)
  const settled = read([
    ...config.blocked,
    ...config.routers,
    ...(config.hostAddress === null ? [] : [config.hostAddress]),
  ])
  const policy = (): OutboundPolicy => ({ named, own: [...settled, ...read(addressesOfThisMachine())] })
  return createOutbound({ policy, resolve: createResolveName(config.domainResolvers), ca })
}

/** Settings were checked when they were read; an interface's address may have a zone, which no remote address has. */
const read = (texts: readonly string[]): Network[] => texts.flatMap((text) => readNetwork(text) ?? [])

const addressesOfThisMachine = (): string[] =>
  Object.values(networkInterfaces()).flatMap((addresses) => addresses?.map(({ address }) => address) ?? [])
