/** What becomes of connections that wait to be accepted by a worker that ends. */
import { readFile, writeFile } from 'node:fs/promises'
import { messageOf } from '#core/domain/errors.ts'
import type { Log } from '#core/runtime/log.ts'

const SWITCH = '/proc/sys/net/ipv4/tcp_migrate_req'

/**
 * Without this switch of the kernel (Linux 5.14, of each network namespace; ip-sysctl.rst) they are reset when the socket is
 * closed, though others listen on the port; with it they move to one of those. Where it cannot be set, a warning says how.
 * @param file where the switch is
 */
export async function letConnectionsMove(log: Log, file = SWITCH): Promise<void> {
  try {
    if ((await readFile(file, 'utf8')).trim() !== '0') return
    await writeFile(file, '1')
  } catch (error) {
    log.warn('when a worker ends, connections that it has not accepted yet are reset', {
      remedy: 'as root, on Linux 5.14 or later: sysctl -w net.ipv4.tcp_migrate_req=1',
      cause: messageOf(error),
    })
  }
}
