/**
 * Desired state comes from Redis, and parts of it become paths, groups and user ids: what no controller writes is not acted on,
 * whoever has put it there.
 */
import { isAppRange } from '#core/domain/app.ts'
import type { HostId } from '#core/domain/ids.ts'
import { isId } from '#core/domain/ids.ts'
import type { Desired } from '#core/domain/instance.ts'
import { isProcessType } from '#core/domain/procfile.ts'
import { isStackName } from '#core/domain/stack.ts'

export function isSound(desired: Desired, host: HostId): boolean {
  const { id, appId, appName, tenantId, hostId, processType, stack, uidBase, size } = desired
  const { memoryMb, cpuMilli, pids, diskMb } = size
  return (
    hostId === host &&
    [id, appId, appName, tenantId].every((text) => typeof text === 'string' && isId(text)) &&
    isProcessType(processType) &&
    (stack === null || isStackName(stack)) &&
    isAppRange(uidBase) &&
    [memoryMb, cpuMilli, pids, diskMb].every((figure) => Number.isSafeInteger(figure) && figure > 0)
  )
}
