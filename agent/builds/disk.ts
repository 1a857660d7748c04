/** The host's own disk: images are sparse, so what builds write may fill it although each is within its limit. */
import { statfs } from 'node:fs/promises'
import type { HostId } from '#core/domain/ids.ts'

/** What a host keeps for itself, in MiB: its store's log, its layers, what runs. */
const RESERVE_MB = 256

/**
 * @param folder where builds are made
 * @throws a sentence for the pusher and the operator when the disk is nearly full
 */
export async function requireDisk(folder: string, hostId: HostId, reserveMb = RESERVE_MB): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  const freeMb = Math.floor((bavail * bsize) / 1024 / 1024)
  if (freeMb < reserveMb)
    throw new Error(
      `The disk of the host ${hostId} is full (${freeMb} MB are free), so nothing can be built on it now. This is not your app's fault: tell the operator, and push again later.`,
    )
}
