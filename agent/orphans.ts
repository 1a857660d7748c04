/** What runs on a host and is assigned to nobody there. */
import type { InstanceId } from '#core/domain/ids.ts'

/**
 * Which of them to end: those that were seen at the look before as well, since a store that has just come back may not have
 * everything at once.
 * @param isRestored for a while after a backup was restored, which may be older than what runs (docs/backup.md), all run on
 */
export const orphansToEnd = (
  orphans: readonly InstanceId[],
  seenBefore: ReadonlySet<InstanceId>,
  isRestored: boolean,
): InstanceId[] => (isRestored ? [] : orphans.filter((id) => seenBefore.has(id)))
