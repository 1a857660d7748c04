/** Listening on a port that the router's other processes listen on too. */
import type { AddressInfo, Server } from 'node:net'
import { addressInUse } from '#core/domain/errors.ts'

/** Connections that may wait to be accepted; the kernel holds it to net.core.somaxconn. */
const BACKLOG = 4096

/**
 * The kernel deals new connections out to all sockets of the port whose processes have the same user (socket(7),
 * SO_REUSEPORT), so workers need nobody who hands them connections, and a successor listens before its predecessor ends.
 * @param setting the one that named the port, for people
 * @returns the port, also where the one asked for was 0
 * @throws ADDRESS_IN_USE when a program that does not share the port has it
 */
export function listen(server: Server, setting: string, address: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const refused = (error: NodeJS.ErrnoException) =>
      reject(error.code === 'EADDRINUSE' ? addressInUse(setting, address, port) : error)
    server.once('error', refused)
    server.listen({ port, host: address, backlog: BACKLOG, reusePort: true }, () => {
      server.off('error', refused)
      resolve((server.address() as AddressInfo).port)
    })
  })
}
