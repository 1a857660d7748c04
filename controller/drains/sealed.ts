/** Where a drain leads lies sealed: its path and its token often are all that it takes to write into somebody's logs. */
import type { Drain } from '#core/domain/drain.ts'
import type { AppId } from '#core/domain/ids.ts'
import type { Sealer } from '../secrets.ts'

type Target = { url: string; token: string | null }

/** A drain of all apps is bound to no app. */
const boundTo = ({ appId }: Pick<Drain, 'appId'>): AppId => appId ?? ('platform' as AppId)
const nameOf = ({ id }: Pick<Drain, 'id'>): string => `drain ${id}`

export const sealTarget = (drain: Pick<Drain, 'id' | 'appId'>, target: Target, sealer: Sealer): string =>
  sealer.seal(boundTo(drain), nameOf(drain), JSON.stringify(target))

/** @throws when it was changed, moved, or sealed under another key */
export const openTarget = (drain: Pick<Drain, 'id' | 'appId' | 'sealed'>, sealer: Sealer): Target =>
  JSON.parse(sealer.open(boundTo(drain), nameOf(drain), drain.sealed)) as Target
